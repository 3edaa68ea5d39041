import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { download } from '@kriptik/cli/download.ts';
import { CliError } from '@kriptik/cli/errors.ts';
import { EXIT } from '@kriptik/cli/exitcodes.ts';
import type { S3Access } from '@kriptik/operator/store/location.ts';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startS3, type TestS3 } from '../../support/s3.ts';
import { accessTo, S3Writer } from '../../support/s3-saved.ts';

let server: TestS3;
let writer: S3Writer;
let folder: string;
let prefix: string;

beforeAll(async () => {
  server = await startS3();
  writer = new S3Writer(server);
});
afterAll(async () => {
  writer?.close();
  await server?.stop();
});
beforeEach(async () => {
  prefix = randomUUID();
  folder = await mkdtemp(join(tmpdir(), 'kriptik-download-'));
  return () => rm(folder, { recursive: true, force: true });
});

const WEIGHTS = Buffer.alloc(12_000_000, 'w');
const save = async (): Promise<{ name: string; uri: string; manifestSha256: string; folder: string }> => {
  const files = { 'README.md': '# card', 'model/weights.bin': WEIGHTS };
  const saved = await writer.save(`${prefix}/artifacts`, { name: 'merged', step: 9, files });
  return { name: 'merged', folder: '', ...saved };
};
const fetchTo = (part: Awaited<ReturnType<typeof save>>, access: S3Access = accessTo(server)) =>
  download([part], join(folder, 'model'), { force: false, s3Access: async () => access });

/** A way to the server that breaks each connection after some bytes of answers, until it is told not to. */
const fragile = async (
  bytes: number,
): Promise<{ proxy: Server; endpoint: string; passed: () => number; mend: () => void }> => {
  let [passed, mended] = [0, false];
  const target = new URL(server.endpoint);
  const proxy = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    let left = bytes;
    const end = (): void => {
      client.destroy();
      upstream.destroy();
    };
    client.on('error', end).on('close', end).pipe(upstream);
    upstream.on('error', end).on('close', end);
    upstream.on('data', (chunk) => {
      left -= chunk.length;
      passed += chunk.length;
      if (left < 0 && !mended) end();
      else client.write(chunk);
    });
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const address = proxy.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    proxy,
    endpoint: `http://127.0.0.1:${port}`,
    passed: () => passed,
    mend: () => {
      mended = true;
    },
  };
};

test('a model is fetched whole, with every hash verified', async () => {
  const copied = await fetchTo(await save());
  expect(copied).toEqual([{ name: 'merged', files: 2, bytes: WEIGHTS.length + 6 }]);
  expect((await readFile(join(folder, 'model', 'model', 'weights.bin'))).equals(WEIGHTS)).toBe(true);
  expect(await readdir(folder)).toEqual(['model']);
});

test('one that breaks off goes on where it stopped, and has no name before it is whole', async () => {
  const part = await save();
  const { proxy, endpoint, passed, mend } = await fragile(1_500_000);
  const access = { ...accessTo(server), endpoint };
  const error = await fetchTo(part, access).catch((one: unknown) => one);
  expect(error).toBeInstanceOf(CliError);
  expect((error as CliError).code).toBe(EXIT.unreachable);
  expect((error as CliError).fault.remedy.join(' ')).toContain('goes on where it stopped');
  expect(existsSync(join(folder, 'model'))).toBe(false);
  const before = passed();
  mend();
  await expect
    .poll(
      () =>
        fetchTo(part, access).then(
          () => true,
          () => false,
        ),
      { interval: 500, timeout: 20_000 },
    )
    .toBe(true);
  expect((await readFile(join(folder, 'model', 'model', 'weights.bin'))).equals(WEIGHTS)).toBe(true);
  expect(passed() - before).toBeLessThan(WEIGHTS.length);
  expect(await readdir(folder)).toEqual(['model']);
  proxy.close();
}, 60_000);

test.each([
  ['another byte in it', async (key: string) => server.corrupt(`${key}/model/weights.bin`)],
  ['another manifest', async (key: string) => writer.put(`${key}/MANIFEST.json`, '{}')],
  ['a file nobody vouches for', async (key: string) => writer.put(`${key}/model/extra.pkl`, 'code')],
])('one with %s is refused and leaves nothing', async (_, damage) => {
  const part = await save();
  await damage(part.uri.slice(`s3://${server.bucket}/`.length));
  const error = await fetchTo(part).catch((one: unknown) => one);
  expect(error).toMatchObject({ code: EXIT.error });
  expect(await readdir(folder)).toEqual([]);
});

test('keys that may not read it are told from a server that is away', async () => {
  const part = await save();
  const refused = await fetchTo(part, accessTo(server, server.stranger)).catch((one: unknown) => one);
  expect(refused).toMatchObject({ code: EXIT.refused });
  const away = await fetchTo(part, { ...accessTo(server), endpoint: 'http://127.0.0.1:1' }).catch(
    (one: unknown) => one,
  );
  expect(away).toMatchObject({ code: EXIT.unreachable });
});
