import type { Constraints } from '@kriptik/crds';
import type { Catalog } from '../catalog/catalog.ts';
import type { IntentDraft } from './types.ts';

type Wished = { readonly constraints: Constraints; readonly notes: readonly string[] };
type Wish = (spec: Constraints, draft: IntentDraft, catalog: Catalog) => Wished | undefined;

/** What the text limits and the spec leaves open: it can only narrow. Each note says what was read. */
export function lockWishes(spec: Constraints, draft: IntentDraft, catalog: Catalog): Wished {
  const wished = WISHES.map((wish) => wish(spec, draft, catalog)).filter((one) => one !== undefined);
  return {
    constraints: Object.assign({ ...spec }, ...wished.map(({ constraints }) => constraints)) as Constraints,
    notes: wished.flatMap(({ notes }) => notes),
  };
}

const WISHES: readonly Wish[] = [ownMachines, gpuTypes, gpuCount, deadline, regions, licences, outputs];

function ownMachines(spec: Constraints, draft: IntentDraft): Wished | undefined {
  if (spec.providers !== undefined || spec.providerNames !== undefined) return undefined;
  if (draft.localOnly) {
    return { constraints: { providers: ['local'] }, notes: ['Runs on local providers only, as the text asks.'] };
  }
  if (!draft.privateOnly) return undefined;
  return {
    constraints: { providers: ['kubernetes', 'local'] },
    notes: ['Runs on your own clusters and machines only: the text says that the data must not leave your network.'],
  };
}

/** A named card stands for its variants; a mere amount of memory for every card that has no more. */
function gpuTypes(spec: Constraints, draft: IntentDraft, { gpus }: Catalog): Wished | undefined {
  if (spec.gpuTypes !== undefined || draft.gpuLimit === null || draft.localOnly) return undefined;
  const limit = draft.gpuLimit.toLowerCase();
  const named = gpus.filter(({ id }) => new RegExp(`(?<!\\d)${modelNumber(id)}s?(?![a-z0-9])`).test(limit));
  const memory = draft.gpuMemoryGb;
  const fitting = (named.length > 0 ? named : gpus).filter(({ memoryGb }) => memory === null || memoryGb <= memory);
  const types = (fitting.length > 0 ? fitting : named).map(({ id }) => id).slice(0, 16);
  if (types.length === 0 || types.length === gpus.length) return undefined;
  return {
    constraints: { gpuTypes: types },
    notes: [`Runs on ${types.join(', ')} only: the text says "${draft.gpuLimit}".`],
  };
}

/** "RTX-4090-24GB" as people write it: "4090"; "A100-SXM-80GB": "a100". */
function modelNumber(id: string): string {
  return (
    id
      .toLowerCase()
      .replace(/^rtx-?/, '')
      .split('-')[0] ?? id
  );
}

function gpuCount(spec: Constraints, { gpuCount: count }: IntentDraft): Wished | undefined {
  if (count === null || count < 1) return undefined;
  const most = Math.min(Math.floor(count), spec.maxGpus ?? 1024);
  const notes = most === spec.maxGpus ? [] : [`At most ${most} GPU${most === 1 ? '' : 's'}, as the text says.`];
  return { constraints: { maxGpus: most }, notes };
}

function deadline(spec: Constraints, { deadlineHours }: IntentDraft): Wished | undefined {
  if (deadlineHours === null || deadlineHours <= 0 || spec.deadline !== undefined) return undefined;
  const minutes = Math.max(1, Math.round(deadlineHours * 60));
  const length = minutes % 60 === 0 ? `${minutes / 60}h` : `${minutes}m`;
  return { constraints: { deadline: length }, notes: [`Finished within ${length}, as the text says.`] };
}

const PLACES: Readonly<Record<string, { readonly pattern: RegExp; readonly names: readonly string[] }>> = {
  eu: { pattern: /^(?:eu|europe|westeurope|northeurope|france|germany|sweden|poland|italy)/i, names: ['eu', 'europe'] },
  us: { pattern: /^(?:us|eastus|westus|centralus|southcentralus)/i, names: ['us'] },
};

/** Providers name their regions each in their own way: all names that lie in the place are allowed. */
function regions(spec: Constraints, draft: IntentDraft, { prices }: Catalog): Wished | undefined {
  if (spec.regions !== undefined || draft.regions.length === 0) return undefined;
  const wanted = draft.regions.flatMap((place) => {
    const known = PLACES[place];
    if (known === undefined) return [place];
    const offered = prices.map(({ region }) => region ?? '').filter((region) => known.pattern.test(region));
    return [...known.names, ...offered];
  });
  return {
    constraints: { regions: [...new Set(wanted)].slice(0, 32) },
    notes: [`Runs in ${draft.regions.join(', ').toUpperCase()} only, as the text asks.`],
  };
}

function licences(spec: Constraints, draft: IntentDraft, { licenses }: Catalog): Wished | undefined {
  if (spec.licenses !== undefined) return undefined;
  if (draft.licenses.length > 0) {
    return {
      constraints: { licenses: [...new Set(draft.licenses)].slice(0, 16) },
      notes: [`Base models under ${draft.licenses.join(' or ')} only, as the text asks.`],
    };
  }
  if (!draft.commercialUse) return undefined;
  const free = licenses
    .filter(({ commercialUse }) => commercialUse !== 'no')
    .map(({ id }) => id)
    .slice(0, 32);
  return {
    constraints: { licenses: free },
    notes: ['Base models that may be used commercially only: the text says that the result will be.'],
  };
}

function outputs(_spec: Constraints, draft: IntentDraft): Wished | undefined {
  if (draft.outputs.length === 0) return undefined;
  return {
    constraints: {},
    notes: [`The text wants ${draft.outputs.join(', ')}; spec.output says where results go and in which form.`],
  };
}
