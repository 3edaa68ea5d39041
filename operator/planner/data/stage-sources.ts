import type { DataSource, MethodName } from '@kriptik/crds';
import type { Catalog } from '../../catalog/catalog.ts';
import { findDataset } from '../../catalog/lookup.ts';
import type { DataFacts } from '../types.ts';
import { formOf, type RowForm } from './forms.ts';

/** What a stage learns from: as a method, or reading on as the base did. */
export type Learns = MethodName | 'reading';

/** Forms of rows that a stage takes, those that are meant for it first. */
const FORMS: Readonly<Partial<Record<Learns, readonly (readonly RowForm[])[]>>> = {
  dpo: [['pairs'], ['judged']],
  rlhf: [['pairs'], ['prompts']],
  reading: [['text'], ['answers']],
};
const USUAL: readonly (readonly RowForm[])[] = [['answers'], ['text']];

/**
 * Of the sources of a goal of several stages, those that a stage learns from. Sources of which nobody knows what their
 * rows are go with every stage that has no rows of its own; where none fits, all are taken, and the plan says what is
 * wrong with them.
 */
export function sourcesFor(
  learns: Learns,
  sources: readonly DataSource[],
  facts: readonly DataFacts[],
  catalog: Catalog,
): readonly DataSource[] {
  const known = sourcesKnownFor(learns, sources, facts, catalog);
  if (known.length > 0) return known;
  const unknown = sources.filter((source) => formOfSource(source, facts, catalog) === undefined);
  return unknown.length > 0 ? unknown : sources;
}

/** The sources whose rows are known to be for a stage; none where nobody knows of any. */
export function sourcesKnownFor(
  learns: Learns,
  sources: readonly DataSource[],
  facts: readonly DataFacts[],
  catalog: Catalog,
): readonly DataSource[] {
  for (const wanted of FORMS[learns] ?? USUAL) {
    const found = sources.filter((source) => isOneOf(wanted, formOfSource(source, facts, catalog)));
    if (found.length > 0) return found;
  }
  return [];
}

function isOneOf(wanted: readonly RowForm[], form: RowForm | undefined): boolean {
  return form !== undefined && wanted.includes(form);
}

function formOfSource(
  { uri, name = '' }: DataSource,
  facts: readonly DataFacts[],
  catalog: Catalog,
): RowForm | undefined {
  const fact = facts.find((one) => one.uri === uri);
  const dataset = uri.startsWith('hf://') ? findDataset(catalog, uri) : undefined;
  const columns = fact?.columns ?? dataset?.columns;
  const told = columns === undefined ? undefined : formOf(columns);
  if (told !== undefined) return told;
  if (fact?.preferencePairs === true || dataset?.shape === 'preference') return 'pairs';
  // Nobody has looked into it: its name is the author's own word.
  return /\b(?:pairs?|preferences?)\b/i.test(`${name} ${uri.split('/').at(-1) ?? ''}`) ? 'pairs' : undefined;
}
