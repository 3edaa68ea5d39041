import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { DataSource, TrainingGoal } from '@kriptik/crds';
import { parse } from 'yaml';
import { z } from 'zod';
import type { TinyCase } from './tiny-cases.ts';

const EXAMPLES = join(import.meta.dirname, '..', '..', 'examples');

/** As much training as shows that everything was reached. */
const SHORT = { maxSteps: 4, checkpointEverySteps: 4, batchSize: 2, maxLength: 64 } as const;

const exampleGoal = z.looseObject({
  apiVersion: z.literal('training.kriptik.ai/v1alpha1'),
  kind: z.literal('TrainingGoal'),
  metadata: z.looseObject({ name: z.string() }),
  spec: z.looseObject({ goal: z.string() }),
});

/**
 * An example with a tiny base model and tiny data in place of its own, for a few steps on the provider `provider`. Words,
 * budget and quality are the example's. `made` are the paths that the makers wrote.
 */
export async function tinyGoal(
  { example, family, model, data, constraints, consent }: TinyCase,
  made: Readonly<Record<string, string>>,
  provider: string,
): Promise<Pick<TrainingGoal, 'apiVersion' | 'kind' | 'spec'> & { readonly metadata: { readonly name: string } }> {
  const goal = exampleGoal.parse(parse(await readFile(join(EXAMPLES, example, 'goal.yaml'), 'utf8')));
  const spec = goal.spec as TrainingGoal['spec'];
  const { epochs: _epochs, ...own } = spec.constraints ?? {};
  return {
    apiVersion: goal.apiVersion,
    kind: goal.kind,
    metadata: { name: example },
    spec: {
      ...spec,
      baseModel: { source: uriOf(made, model), family, license: 'apache-2.0' },
      data: makersOf(data).map((maker, index) => ({
        ...nameOf(spec.data?.[index]),
        uri: uriOf(made, maker),
        ...(!(made[maker] ?? '').endsWith('.jsonl') && { format: 'imagefolder' as const }),
      })),
      constraints: { ...own, ...SHORT, ...constraints, providerNames: [provider] },
      ...(consent === true && { consent: await consentOf(made[makersOf(data)[0] ?? ''] ?? '') }),
    },
  };
}

/** Makers of a case's data. */
export function makersOf(data: TinyCase['data']): readonly string[] {
  return typeof data === 'string' ? [data] : data;
}

function nameOf(source: DataSource | undefined): Pick<DataSource, 'name'> {
  return source?.name === undefined ? {} : { name: source.name };
}

function uriOf(made: Readonly<Record<string, string>>, name: string): string {
  const path = made[name];
  if (path === undefined) throw new Error(`nothing was made for ${name}`);
  return pathToFileURL(path).href;
}

/** The statement that the maker recorded beside the recordings. */
async function consentOf(recordings: string): Promise<NonNullable<TrainingGoal['spec']['consent']>> {
  const recording = join(dirname(recordings), 'consent.wav');
  return {
    speaker: 'Ada',
    statement: 'I allow the use of my voice.',
    recording: pathToFileURL(recording).href,
    sha256: createHash('sha256')
      .update(await readFile(recording))
      .digest('hex'),
  };
}
