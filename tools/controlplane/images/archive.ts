import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, linkSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { arch } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** How containers of an image start, as in the OCI image configuration. */
export interface ImageConfig {
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  /** `NAME=value` pairs. */
  readonly Env?: readonly string[];
  /** `uid:gid`. */
  readonly User?: string;
  readonly WorkingDir?: string;
}

/** An image in one file that `ctr images import` reads. */
export interface Archive {
  /** Path of the tar file. */
  readonly path: string;
  /** `NAME@sha256:...`, as a pod may name it; NAME is without the tag. */
  readonly reference: string;
}

/** `sha256:...` of the manifest with its size in bytes. */
interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The annotation by which containerd names what it imports. */
const NAME = 'io.containerd.image.name';
const MEDIA = 'application/vnd.oci.image';

/**
 * Writes an OCI archive of the layers (uncompressed tar files, the lowest first; they must lie on the disk of `target`).
 * The image gets two names: `name`, which has a tag, and the one with its digest. Same input, same digest.
 */
export async function writeArchive(
  target: string,
  image: { readonly name: string; readonly layers: readonly string[]; readonly config: ImageConfig },
): Promise<Archive> {
  const work = mkdtempSync(`${target}.work-`);
  try {
    const blobs = join(work, 'blobs', 'sha256');
    mkdirSync(blobs, { recursive: true });
    const put = (mediaType: string, value: object): Descriptor => {
      const text = JSON.stringify(value);
      const hash = createHash('sha256').update(text).digest('hex');
      writeFileSync(join(blobs, hash), text);
      return { mediaType: `${MEDIA}.${mediaType}+json`, digest: `sha256:${hash}`, size: Buffer.byteLength(text) };
    };
    const layers: Descriptor[] = [];
    for (const path of image.layers) {
      const hash = await hashOf(path);
      linkSync(path, join(blobs, hash));
      layers.push({ mediaType: `${MEDIA}.layer.v1.tar`, digest: `sha256:${hash}`, size: statSync(path).size });
    }
    const config = put('config.v1', {
      architecture: arch() === 'x64' ? 'amd64' : arch(),
      os: 'linux',
      config: image.config,
      rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
    });
    const manifest = put('manifest.v1', { schemaVersion: 2, mediaType: `${MEDIA}.manifest.v1+json`, config, layers });
    const reference = `${image.name.replace(/:[^:/]*$/, '')}@${manifest.digest}`;
    const manifests = [image.name, reference].map((name) => ({
      ...manifest,
      annotations: { [NAME]: name },
    }));
    writeFileSync(join(work, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
    writeFileSync(join(work, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }));
    await run('tar', ['-cf', target, '-C', work, 'oci-layout', 'index.json', 'blobs']);
    return { path: target, reference };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The names that an OCI archive gives its images. */
export async function namesIn(archive: string): Promise<readonly string[]> {
  const { stdout } = await run('tar', ['-xOf', archive, 'index.json']);
  const { manifests } = JSON.parse(stdout) as { manifests: readonly Descriptor[] };
  return manifests.flatMap(({ annotations }) => annotations?.[NAME] ?? []);
}

/**
 * Writes a layer with the content of a folder, readable by every user. Owners, order and times are fixed: the same
 * files give the same layer.
 */
export async function writeLayer(target: string, folder: string): Promise<void> {
  mkdirSync(dirname(target), { recursive: true });
  const fixed = [
    '--sort=name',
    '--mtime=@0',
    '--owner=0',
    '--group=0',
    '--numeric-owner',
    '--mode=a+rX',
    '--format=gnu',
  ];
  await run('tar', [...fixed, '-cf', target, '-C', folder, '.']);
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash);
  return hash.digest('hex');
}
