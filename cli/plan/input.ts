import type { ComputeProvider, TrainingGoal, TrainingPolicy } from '@kriptik/crds';
import { usageError } from '../errors.ts';
import { type Checked, checkManifests } from '../manifest/check.ts';
import { loadManifests, type Manifest } from '../manifest/load.ts';
import { crdsFor } from '../manifest/schema.ts';
import { readInput, readText } from '../manifest/text.ts';
import { GOALS, GROUP, POLICIES, PROVIDERS, VERSION } from '../resources.ts';
import type { Session } from '../session.ts';

/** A goal to plan, with the objects that stand beside it in its files. */
export interface PlanInput {
  readonly goal: TrainingGoal;
  /** `FILE:LINE: FIELD` of a field such as "spec.data[0].uri"; the field alone for a goal in words. */
  readonly where: (field: string) => string;
  /** What --filename was given; undefined for a goal on the command line. */
  readonly file: string | undefined;
  readonly policies: readonly TrainingPolicy[];
  readonly providers: readonly ComputeProvider[];
}

/** Files that hold the words of a goal, not an object. */
const PROSE = /\.(txt|md|text)$/i;
/** Name of a goal that was never given one. */
const UNNAMED = 'goal';

/** Reads a goal from a file, a folder or standard input: an object, or the goal's bare words. */
export async function goalOfFile(session: Session, name: string): Promise<PlanInput> {
  const { host } = session;
  if (name === '-') {
    const text = await readInput(host);
    const manifest = /^\s*(#|---|apiVersion:|kind:|[{[])/m.test(text);
    return manifest ? inputOf(await loadManifests(host, name, text), name) : goalOfText(text, 'standard input', name);
  }
  if (PROSE.test(name)) return goalOfText(readText(host, name), name, name);
  return inputOf(await loadManifests(host, name), name);
}

/** A goal from its words alone. */
export function goalOfText(text: string, where: string, file?: string): PlanInput {
  const value = {
    apiVersion: `${GROUP}/${VERSION}`,
    kind: GOALS.kind,
    metadata: { name: UNNAMED },
    spec: { goal: text.trim() },
  };
  return inputOf([{ file: where, value, where: () => where }], file);
}

/** Reads the objects of one kind from files. @throws CliError (usage) for any other kind. */
export async function objectsOfFiles<T>(session: Session, names: readonly string[], kind: string): Promise<T[]> {
  const files = await Promise.all(names.map((name) => loadManifests(session.host, name)));
  // A file that was named to limit the plan must not be passed over because it holds nothing.
  const empty = names.find((_, index) => files[index]?.length === 0);
  if (empty !== undefined) throw usageError(`${empty} holds no ${kind}`, `Name a file that holds a ${kind}.`);
  const checked = check(files.flat());
  const other = checked.find(({ object }) => object.kind !== kind);
  if (other !== undefined)
    throw usageError(
      `${other.manifest.where(['kind'])} holds a ${other.object.kind}, not a ${kind}`,
      'Name its file with -f.',
    );
  return checked.map(({ whole }) => whole as T);
}

function check(manifests: readonly Manifest[]): Checked[] {
  return checkManifests(manifests, crdsFor(manifests.map(({ value }) => value)));
}

function inputOf(manifests: readonly Manifest[], file: string | undefined): PlanInput {
  const checked = check(manifests);
  const ofKind = (kind: string): Checked[] => checked.filter(({ object }) => object.kind === kind);
  const [goal, second] = ofKind(GOALS.kind);
  if (goal === undefined)
    throw usageError(`${file ?? 'the text'} holds no TrainingGoal`, 'Name a file with a goal; examples/ shows how.');
  if (second !== undefined)
    throw usageError(
      `${file ?? 'the text'} holds more than one goal: ${goal.object.metadata.name} and ${second.object.metadata.name}`,
      'Plan them one at a time: name a file that holds one of them.',
    );
  return {
    goal: goal.whole as TrainingGoal,
    where: (field) => [...(file === undefined ? [] : [goal.manifest.where(pathOf(field))]), field].join(': '),
    file,
    policies: ofKind(POLICIES.kind).map(({ whole }) => whole as TrainingPolicy),
    providers: ofKind(PROVIDERS.kind).map(({ whole }) => whole as ComputeProvider),
  };
}

/** `spec.data[0].uri` as the steps that lead there. */
function pathOf(field: string): (string | number)[] {
  return [...field.matchAll(/([^.[\]]+)|\[(\d+)\]/g)].map(([, name, index]) => name ?? Number(index));
}
