import { createHash, type Hash } from 'node:crypto';
import { open, readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { z } from 'zod';

/** What a folder of weights says of itself; nothing is loaded. */
export interface ModelFolder {
  /** Class of the model or pipeline, as the trainer reads it; empty where none is named. */
  readonly class: string;
  /** Weights of the model; of a pipeline those of its backbone. */
  readonly parameters: number;
  /** The model's config.json; absent for a pipeline of several. */
  readonly config?: unknown;
  /** "folder-" and 32 hexadecimal digits over names, sizes, descriptions and the heads of all weights. */
  readonly revision: string;
}

/** A folder that is no model, with what to do. */
export class ModelFolderProblem extends Error {
  readonly remedy: string;
  constructor(message: string, remedy: string) {
    super(message);
    this.remedy = remedy;
  }
}

/** Parts of a pipeline whose weights are counted: what is trained. */
const BACKBONES = ['transformer', 'unet'];
const MOST_FILES = 4096;
/** Descriptions are hashed whole, weights by their heads. */
const SMALL_BYTES = 1024 * 1024;
const MOST_HEAD_BYTES = 64 * 1024 * 1024;

/**
 * Reads a model folder as `save_pretrained` writes it. Weights of safetensors are counted by their heads; others
 * (.bin, .pth) are taken for 32-bit numbers. Throws ModelFolderProblem.
 */
export async function readModelFolder(folder: string): Promise<ModelFolder> {
  const files = await filesOf(folder);
  const described = await describedIn(folder, files);
  const hash = createHash('sha256');
  let parameters = 0;
  for (const { path, size } of files) {
    const name = relative(folder, path);
    hash.update(`${name}\0${size}\0`);
    const counted = isBackbone(name, described.pipeline);
    if (name.endsWith('.safetensors')) {
      const count = await countTensors(path, size, hash);
      parameters += counted ? count : 0;
    } else if (/\.(bin|pth|pt)$/.test(name)) {
      parameters += counted ? Math.round(size / 4) : 0;
    } else if (size <= SMALL_BYTES) {
      hash.update(await readFile(path));
    }
  }
  if (parameters === 0) {
    throw new ModelFolderProblem(`${folder} holds no weights`, 'Name a folder with .safetensors files in it.');
  }
  return {
    class: described.class,
    parameters,
    ...(described.config !== undefined && { config: described.config }),
    revision: `folder-${hash.digest('hex').slice(0, 32)}`,
  };
}

interface Found {
  readonly path: string;
  readonly size: number;
}

/** All files, in the order of their names. */
async function filesOf(folder: string): Promise<readonly Found[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(
    (error: NodeJS.ErrnoException) => {
      const why = error.code === 'ENOENT' ? 'does not exist on this machine' : `cannot be read (${error.code})`;
      throw new ModelFolderProblem(`${folder} ${why}`, 'Correct the path: it is the folder that holds config.json.');
    },
  );
  const paths = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
  if (paths.length > MOST_FILES) {
    throw new ModelFolderProblem(`${folder} holds ${paths.length} files`, 'Name the folder of one model.');
  }
  return await Promise.all(paths.map(async (path) => ({ path, size: (await stat(path)).size })));
}

const configFile = z.looseObject({
  architectures: z.array(z.string()).nullish(),
  model: z.unknown().optional(),
  _class_name: z.string().nullish(),
});

async function describedIn(
  folder: string,
  files: readonly Found[],
): Promise<{ readonly class: string; readonly pipeline: boolean; readonly config?: unknown }> {
  const pipeline = files.some(({ path }) => path === join(folder, 'model_index.json'));
  const path = join(folder, pipeline ? 'model_index.json' : 'config.json');
  const text = await readFile(path, 'utf8').catch(() => {
    throw new ModelFolderProblem(
      `${folder} has neither config.json nor model_index.json`,
      'Name a folder as save_pretrained writes it.',
    );
  });
  const parsed = configFile.safeParse(parseJson(text));
  if (!parsed.success) throw new ModelFolderProblem(`${path} is not a description of a model`, 'Replace the file.');
  const { _class_name: named, architectures, model } = parsed.data;
  const found = named ?? architectures?.[0] ?? (typeof model === 'string' ? model : '');
  return { class: found, pipeline, ...(!pipeline && { config: parsed.data }) };
}

/** JSON as Python writes it, which has numbers that JSON has not. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text.replaceAll(/(?<=[:[,]\s*)(?:NaN|-?Infinity)(?=\s*[,\]}])/g, 'null'));
  } catch {
    return undefined;
  }
}

function isBackbone(name: string, pipeline: boolean): boolean {
  return !pipeline || BACKBONES.some((part) => name.startsWith(`${part}/`));
}

const head = z.record(z.string(), z.looseObject({ shape: z.array(z.number().int().nonnegative()).optional() }));

/** Numbers in a safetensors file: eight bytes of length, then JSON with the shape of each tensor. */
async function countTensors(path: string, size: number, hash: Hash): Promise<number> {
  const file = await open(path, 'r');
  try {
    const prefix = Buffer.alloc(8);
    await file.read(prefix, 0, 8, 0);
    const length = Number(prefix.readBigUInt64LE());
    if (length > Math.min(size, MOST_HEAD_BYTES)) throw broken(path);
    const text = Buffer.alloc(length);
    await file.read(text, 0, length, 8);
    hash.update(text);
    const parsed = head.safeParse(parseJson(text.toString('utf8')));
    if (!parsed.success) throw broken(path);
    return Object.entries(parsed.data)
      .filter(([name]) => name !== '__metadata__')
      .reduce((sum, [, { shape = [] }]) => sum + shape.reduce((product, side) => product * side, 1), 0);
  } finally {
    await file.close();
  }
}

function broken(path: string): ModelFolderProblem {
  return new ModelFolderProblem(`${path} is not a whole safetensors file`, 'Copy or save the model again.');
}
