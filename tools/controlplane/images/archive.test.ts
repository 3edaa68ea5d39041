import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { namesIn, writeArchive, writeLayer } from './archive.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'kriptik-archive-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

async function make(name: string, content: string, config = {}) {
  const folder = join(directory, name);
  mkdirSync(folder);
  writeFileSync(join(folder, 'file'), content, { mode: 0o600 });
  const layer = join(directory, `${name}.layer`);
  await writeLayer(layer, folder);
  return writeArchive(join(directory, `${name}.tar`), { name: 'kriptik.local/x:v1', layers: [layer], config });
}

describe('an archive of an image', () => {
  it('has a name with a tag and one with the digest of its manifest', async () => {
    const { path, reference } = await make('one', 'content');
    expect(reference).toMatch(/^kriptik\.local\/x@sha256:[0-9a-f]{64}$/);
    expect(await namesIn(path)).toEqual(['kriptik.local/x:v1', reference]);
  });

  it('has the same digest for the same content, whenever it was written', async () => {
    const first = await make('one', 'content');
    const folder = join(directory, 'one');
    utimesSync(join(folder, 'file'), 0, 1_000_000);
    chmodSync(join(folder, 'file'), 0o644);
    const layer = join(directory, 'again.layer');
    await writeLayer(layer, folder);
    const image = { name: 'kriptik.local/x:v1', layers: [layer], config: {} };
    const second = await writeArchive(join(directory, 'again.tar'), image);
    expect(second.reference).toBe(first.reference);
  });

  it('has another digest for other content and for other settings', async () => {
    const references = [
      (await make('one', 'content')).reference,
      (await make('two', 'other')).reference,
      (await make('three', 'content', { User: '1000:1000' })).reference,
    ];
    expect(new Set(references).size).toBe(3);
  });

  it('shows its files to every user', async () => {
    await make('one', 'content');
    const listed = execFileSync('tar', ['-tvf', join(directory, 'one.layer')], { encoding: 'utf8' });
    expect(listed).toMatch(/^-rw-r--r-- 0\/0 .* \.\/file$/m);
  });
});
