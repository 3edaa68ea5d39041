import filesystem, { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { syncBuiltinESMExports } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkpointDirectory, writeSaved } from '../trainer/testing/manifest.ts';
import { openStore } from './open.ts';
import { openS3Store, S3Memory } from './s3-store.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'kriptik-passing-'));
  for (const step of [5, 10]) {
    const meta = { step, attempt: 'job-1', createdAt: `2026-01-31T12:00:${step}.000Z`.replace(':5.', ':05.') };
    await writeSaved(checkpointDirectory(root, step), 'checkpoint', { 'weights.bin': `w${step}` }, meta);
  }
});
afterEach(() => rm(root, { recursive: true, force: true }));

describe('a fault that passes, on a file system', () => {
  const { open } = filesystem;
  afterEach(() => {
    filesystem.open = open;
    syncBuiltinESMExports();
  });

  it.each(['EMFILE', 'ESTALE'])('is not held against the newest checkpoint: %s', async (code) => {
    const store = openStore(pathToFileURL(root).href);
    filesystem.open = async (path, ...rest) => {
      if (String(path).endsWith('weights.bin')) throw Object.assign(new Error(code), { code });
      return await open(path, ...rest);
    };
    syncBuiltinESMExports();
    await expect(store.latestVerified({ fresh: 'now' })).rejects.toMatchObject({ code });
    filesystem.open = open;
    syncBuiltinESMExports();
    expect(await store.latestVerified({ fresh: 'now' })).toMatchObject({ checkpoint: { step: 10 }, problems: [] });
  });

  it('one of the disk is: the checkpoint before stands in', async () => {
    const store = openStore(pathToFileURL(root).href);
    filesystem.open = async (path, ...rest) => {
      if (String(path).endsWith('step-00000010/weights.bin')) throw Object.assign(new Error('EIO'), { code: 'EIO' });
      return await open(path, ...rest);
    };
    syncBuiltinESMExports();
    const { checkpoint, problems } = await store.latestVerified({ fresh: 'now' });
    expect(checkpoint?.step).toBe(5);
    expect(problems.map((problem) => problem.code)).toEqual(['Unreadable']);
  });
});

describe('a bucket whose servers do not agree', () => {
  /** Keys that are answered with 404 although they are listed. */
  const hidden = new Set<string>();
  let server: Server;
  let endpoint: string;

  beforeEach(async () => {
    server = createServer((request, response) => {
      const url = new URL(request.url ?? '', 'http://s3');
      const key = decodeURIComponent(url.pathname).replace(/^\/bucket\/?/, '');
      void answer(key, url.searchParams.get('prefix') ?? '').then(({ status, body }) => {
        response.writeHead(status, { 'content-type': 'application/xml' }).end(body);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(async () => {
    hidden.clear();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  async function answer(key: string, prefix: string): Promise<{ status: number; body: string | Buffer }> {
    if (key === '') return { status: 200, body: await listing(prefix) };
    if (hidden.has(key)) return { status: 404, body: '<Error><Code>NoSuchKey</Code><Message>gone</Message></Error>' };
    return { status: 200, body: await readFile(join(root, key)) };
  }

  async function listing(prefix: string): Promise<string> {
    const entries = await readdir(root, { recursive: true, withFileTypes: true });
    const objects = await Promise.all(
      entries
        .filter((entry) => entry.isFile())
        .map(async (entry) => {
          const path = join(entry.parentPath, entry.name);
          const { length } = await readFile(path);
          return { key: relative(root, path), length };
        }),
    );
    const contents = objects
      .filter(({ key }) => key.startsWith(prefix))
      .map(
        ({ key, length }) =>
          `<Contents><Key>${key}</Key><Size>${length}</Size><ETag>"e"</ETag><LastModified>2026-01-31T12:00:00.000Z</LastModified></Contents>`,
      );
    return `<ListBucketResult><IsTruncated>false</IsTruncated>${contents.join('')}</ListBucketResult>`;
  }

  it('is looked at again: one answer makes no whole checkpoint a broken one', async () => {
    const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
    const access = async () => ({ endpoint, region: 'us-east-1', pathStyle: true, credentials });
    const store = openS3Store('s3://bucket', { access, memory: new S3Memory() });
    hidden.add('checkpoints/step-00000010/weights.bin');
    await expect(store.latestVerified()).rejects.toMatchObject({ kind: 'Unreachable' });
    hidden.clear();
    expect(await store.latestVerified()).toMatchObject({ checkpoint: { step: 10 }, problems: [] });
  });
});
