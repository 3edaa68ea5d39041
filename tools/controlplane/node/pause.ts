import { chmodSync, copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { writeArchive, writeLayer } from '../images/archive.ts';
import { PAUSE_IMAGE } from './containerd.ts';

/** Writes the archive of the image that each pod starts with into `directory` and returns its path. */
export async function pauseImage(program: string, directory: string): Promise<string> {
  const folder = join(directory, 'pause');
  mkdirSync(folder);
  copyFileSync(program, join(folder, 'pause'));
  chmodSync(join(folder, 'pause'), 0o755);
  const layer = join(directory, 'pause-layer.tar');
  await writeLayer(layer, folder);
  const image = { name: PAUSE_IMAGE, layers: [layer], config: { Entrypoint: ['/pause'], User: '65535:65535' } };
  return (await writeArchive(join(directory, 'pause.tar'), image)).path;
}
