import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readModelFolder } from './model-folder.ts';

describe('a model folder', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kriptik-model-'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  /** A safetensors file with tensors of these shapes and no numbers in it. */
  const weights = (shapes: readonly (readonly number[])[]): Buffer => {
    const head = Buffer.from(
      JSON.stringify({
        __metadata__: { format: 'pt' },
        ...Object.fromEntries(
          shapes.map((shape, index) => [`t${index}`, { dtype: 'F32', shape, data_offsets: [0, 0] }]),
        ),
      }),
    );
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(head.length));
    return Buffer.concat([length, head]);
  };
  const write = async (name: string, content: string | Buffer): Promise<void> => {
    const path = join(folder, name);
    await mkdir(join(path, '..'), { recursive: true });
    await writeFile(path, content);
  };

  it('tells class, number of weights and configuration', async () => {
    await write('config.json', JSON.stringify({ architectures: ['Qwen2ForCausalLM'], hidden_size: 64 }));
    await write('model.safetensors', weights([[100, 64], [64]]));
    expect(await readModelFolder(folder)).toMatchObject({
      class: 'Qwen2ForCausalLM',
      parameters: 6464,
      config: { hidden_size: 64 },
    });
  });

  it('counts the backbone of a pipeline, not its encoders', async () => {
    await write('model_index.json', JSON.stringify({ _class_name: 'FluxPipeline' }));
    await write('transformer/weights.safetensors', weights([[10, 10]]));
    await write('text_encoder/model.safetensors', weights([[1000, 1000]]));
    expect(await readModelFolder(folder)).toMatchObject({ class: 'FluxPipeline', parameters: 100 });
  });

  it('reads a configuration as Python writes it, and weights of other formats by their size', async () => {
    await write('config.json', '{"model": "xtts", "best": Infinity, "list": [NaN, -Infinity]}');
    await write('model.pth', Buffer.alloc(4000));
    expect(await readModelFolder(folder)).toMatchObject({ class: 'xtts', parameters: 1000 });
  });

  it('has another revision once a file is another', async () => {
    await write('config.json', '{"architectures": ["A"]}');
    await write('model.safetensors', weights([[4, 4]]));
    const { revision } = await readModelFolder(folder);
    expect(revision).toMatch(/^folder-[0-9a-f]{32}$/);
    expect((await readModelFolder(folder)).revision).toBe(revision);
    await write('model.safetensors', weights([[4, 5]]));
    expect((await readModelFolder(folder)).revision).not.toBe(revision);
  });

  it.each([
    ['no description', [['model.safetensors', weights([[2]])]], 'has neither config.json nor model_index.json'],
    ['a description that is none', [['config.json', '[1']], 'is not a description of a model'],
    ['no weights', [['config.json', '{}']], 'holds no weights'],
    [
      'half a file of weights',
      [
        ['config.json', '{}'],
        ['m.safetensors', Buffer.alloc(8, 255)],
      ],
      'is not a whole safetensors file',
    ],
  ] as const)('is refused with %s', async (_name, files, message) => {
    for (const [name, content] of files) await write(name, content);
    await expect(readModelFolder(folder)).rejects.toThrow(message);
  });

  it('is refused where it is not', async () => {
    await expect(readModelFolder(join(folder, 'gone'))).rejects.toThrow('does not exist on this machine');
  });
});
