import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MethodName, Modality } from '@kriptik/crds';
import { describe, expect, it } from 'vitest';
import { CLASS_OF, STAGED_CASE, TINY_CASES, type TinyCase } from '../../test/e2e/tiny-cases.ts';
import { capabilities, type Executor } from './capabilities.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const CASES = [...TINY_CASES, STAGED_CASE];

/** The trainer's own registry; it needs no packages. */
function executors(): readonly Executor[] {
  const program =
    'import json; from kriptik_trainer.capabilities import capabilities; print(json.dumps(capabilities()))';
  const env = { ...process.env, PYTHONPATH: join(ROOT, 'trainer'), PYTHONDONTWRITEBYTECODE: '1' };
  return capabilities.parse(JSON.parse(execFileSync('python3', ['-c', program], { env, encoding: 'utf8' }))).executors;
}

const EXECUTORS = executors();

/** Models of code are models of language, trained by the same executors. */
const kind = (modality: Modality): string => (modality === 'code' ? 'llm' : modality);

const takes = ({ architectures }: Executor, name: string): boolean => new RegExp(`^(?:${architectures})$`).test(name);

const reaches = (one: TinyCase, executor: Executor, method: MethodName): boolean =>
  kind(one.modality) === kind(executor.modality) &&
  [one.method, ...(one.stages ?? [])].includes(method) &&
  takes(executor, CLASS_OF[one.model] ?? '');

/** Classes that a pattern names: "A(B)?C|D" names AC, ABC and D. Nothing for patterns of any class. */
function namedBy(pattern: string): readonly string[] {
  const classes = pattern.split('|').flatMap((part) => {
    const [, before, optional, after] = /^(\w*)\((\w+)\)\?(\w*)$/.exec(part) ?? [];
    return before === undefined ? [part] : [`${before}${after}`, `${before}${optional}${after}`];
  });
  return classes.filter((name) => /^\w+$/.test(name));
}

describe('an example of the end-to-end tests reaches', () => {
  const all = EXECUTORS.flatMap((executor) => executor.methods.map((method) => [executor, method] as const));
  it.each(all.map(([executor, method]) => [method, executor.modality, executor.architectures, executor] as const))(
    '%s of %s models that are %s',
    (method, _modality, _architectures, executor) => {
      expect(CASES.some((one) => reaches(one, executor, method))).toBe(true);
    },
  );

  it.each([...new Set(EXECUTORS.flatMap(({ architectures }) => namedBy(architectures)))])('a %s', (name) => {
    expect(CASES.map(({ model }) => CLASS_OF[model])).toContain(name);
  });
});

/** Words of the page for methods, and for models where they matter. */
const METHOD_OF: Readonly<Record<string, MethodName>> = {
  LoRA: 'lora',
  QLoRA: 'qlora',
  full: 'full',
  DPO: 'dpo',
  KTO: 'dpo',
  ORPO: 'dpo',
  'RLHF: reward model': 'rlhf',
  'RLHF: checkable answers': 'rlhf',
  DreamBooth: 'dreambooth',
  'textual inversion': 'textual-inversion',
  'voice clone': 'voice-clone',
};
const MODEL_OF: Readonly<Record<string, string>> = {
  'SD 1.5': 'sd15',
  SDXL: 'sdxl',
  Flux: 'flux',
  'Wan 2.1': 'wan',
  'Wan 2.2 5B': 'wan',
  'Wan 2.1 from a picture': 'wan-image',
  'ACE-Step 1.5': 'ace-step',
  'Stable Audio': 'stable-audio',
  MusicGen: 'musicgen',
  'Qwen2-VL': 'qwen2-vl',
  SmolVLM: 'smolvlm',
  LLaVA: 'llava',
  XTTS: 'xtts',
  SpeechT5: 'speecht5',
};

/** Rows of the table of what was trained: modality, method and the rest of its words. */
function rowsOfThePage(): readonly (readonly [Modality, string, string])[] {
  const page = readFileSync(join(ROOT, 'docs', 'methods.md'), 'utf8');
  return page.split('\n').flatMap((line) => {
    const [, modality = '', words = '', steps = ''] = line.split('|').map((cell) => cell.trim());
    if (!/^\d+$/.test(steps)) return [];
    const [method = '', model = ''] = words.split(', ');
    return [[modality as Modality, method, model] as const];
  });
}

describe('each row of the page of methods is reached by an example', () => {
  const rows = rowsOfThePage();

  it('of which there are some', () => {
    expect(rows.length).toBeGreaterThan(30);
  });

  it.each(rows)('%s: %s, %s', (modality, words, model) => {
    const method = METHOD_OF[words];
    // A new row needs its words here, and an example of its executor.
    if (method === undefined) throw new Error(`no method is known for ${words}`);
    const name = CLASS_OF[MODEL_OF[model] ?? 'chat-model'] ?? '';
    const executor = EXECUTORS.find(
      (one) => kind(one.modality) === kind(modality) && one.methods.includes(method) && takes(one, name),
    );
    if (executor === undefined) throw new Error(`no executor takes ${model} by ${words}`);
    expect(CASES.some((one) => reaches(one, executor, method))).toBe(true);
  });
});

it('each example but the one of a cluster is trained by a case', () => {
  const examples = readdirSync(join(ROOT, 'examples'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const trained = CASES.map(({ example }) => example);
  expect(new Set(trained).size).toBe(trained.length);
  expect(
    examples
      .map(({ name }) => name)
      .filter((name) => name !== 'cluster')
      .toSorted(),
  ).toEqual(trained.toSorted());
});
