import type { Contract, MethodName } from '@kriptik/crds';
import type { Catalog, DatasetSpec } from '../../catalog/catalog.ts';
import { findLicense } from '../../catalog/lookup.ts';
import type { Problem } from '../candidate.ts';
import { licenseForbidden } from '../policy-check.ts';
import type { EffectivePolicy } from '../policy-types.ts';
import { type Conversion, conversionOf, targetOf } from './mapping.ts';
import { judgeAmount } from './sufficiency.ts';
import type { DataWish } from './wish.ts';

/** A public data set that could serve a goal. */
export interface Proposal {
  readonly dataset: DatasetSpec;
  /** Higher fits better; comparable within one goal only. */
  readonly score: number;
  /** Why it fits, or fits less, in a sentence. */
  readonly because: string;
  /** What speaks against it; absent = it can be chosen. */
  readonly problem?: Problem;
}

export interface ProposeInput {
  readonly contract: Contract;
  readonly wish: DataWish;
  readonly method: MethodName;
  readonly catalog: Catalog;
  readonly policy: EffectivePolicy;
}

/**
 * The catalog's data sets that teach what the goal asks for, in one of its
 * languages and in a shape the method takes, best first and what cannot be
 * chosen last. The order depends on the goal and the catalog alone.
 */
export function proposalsFor(input: ProposeInput): readonly Proposal[] {
  const { wish, catalog } = input;
  return catalog.datasets
    .filter((dataset) => dataset.modality === wish.modality || sharesText(dataset, wish))
    .filter((dataset) => wish.shapes.includes(dataset.shape) && speaks(dataset, wish))
    .filter((dataset) => dataset.tasks.some((task) => wish.tasks.includes(task)))
    .map((dataset) => judge(dataset, input))
    .toSorted(
      (a, b) =>
        Number(a.problem !== undefined) - Number(b.problem !== undefined) ||
        b.score - a.score ||
        (a.dataset.id < b.dataset.id ? -1 : 1),
    );
}

/** Text sets serve language and code models alike. */
function sharesText({ modality }: DatasetSpec, wish: DataWish): boolean {
  const text = (one: string): boolean => one === 'llm' || one === 'code';
  return text(modality) && text(wish.modality);
}

function speaks({ languages }: DatasetSpec, wish: DataWish): boolean {
  return (
    languages.length === 0 ||
    languages.includes('multilingual') ||
    wish.languages.some((one) => languages.includes(one))
  );
}

function judge(dataset: DatasetSpec, input: ProposeInput): Proposal {
  const { wish, contract, method } = input;
  const rank = wish.tasks.findIndex((task) => dataset.tasks.includes(task));
  const domains = wish.domains.filter((domain) => dataset.tasks.includes(domain));
  const { verdict } = judgeAmount({
    modality: contract.modality,
    method,
    capability: contract.capability,
    rows: dataset.rows,
  });
  const conversion = conversionOf(dataset.columns, targetOf(contract.modality, method));
  const exact = dataset.languages.some((one) => wish.languages.includes(one));
  const score =
    6 -
    2 * rank +
    3 * domains.length -
    (wish.domains.length > 0 && domains.length === 0 ? 2 : 0) +
    (exact ? 1 : 0) -
    { 'too-few': 4, few: 1, enough: 0, plenty: 0 }[verdict] -
    { yes: 0, conditional: 1, no: 2 }[dataset.commercialUse] -
    (dataset.gated ? 1 : 0) -
    { none: 0, possible: 0.75, yes: 2 }[dataset.personalData] -
    (findLicense(input.catalog, dataset.license)?.shareAlike === true ? 0.5 : 0) -
    (conversion.mapping === undefined ? 0 : 2) -
    // Data sets serve their own modality first, and a smaller one costs less to look through.
    (dataset.modality === wish.modality ? 0 : 1) -
    Math.max(0, Math.log10(dataset.rows) - 5) / 2;
  const problem = problemOf(dataset, conversion, input);
  return {
    dataset,
    score,
    because: `${dataset.teaches} It is made for ${[...domains, wish.tasks[rank]].filter((one, index, all) => all.indexOf(one) === index).join(' and ')}${exact ? ` in ${wish.languages.filter((one) => dataset.languages.includes(one)).join(', ')}` : ''}.`,
    ...(problem !== undefined && { problem }),
  };
}

function problemOf(dataset: DatasetSpec, conversion: Conversion, { policy, wish }: ProposeInput): Problem | undefined {
  const denial = licenseForbidden(policy, dataset.license);
  if (denial !== undefined) return { reason: 'ForbiddenByPolicy', ...denial };
  if (wish.commercial && dataset.commercialUse === 'no') {
    return {
      reason: 'NoData',
      text: `its licence ${dataset.license} forbids commercial use; say in the goal that the use is not commercial to choose it`,
    };
  }
  if (conversion.problem !== undefined && conversion.mapping === undefined) {
    return { reason: 'NoData', text: conversion.problem };
  }
  return undefined;
}
