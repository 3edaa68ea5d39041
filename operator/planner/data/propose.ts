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

/** What fits less than this is not proposed: no data is better than data about something else. */
const LEAST_SCORE = 2.5;

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
    .filter(({ score, problem }) => score >= LEAST_SCORE || problem !== undefined)
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

/** Tasks that make a set narrow: one that serves them spoils a goal that does not ask for them. */
const NARROW: ReadonlySet<string> = new Set([
  'medical',
  'legal',
  'finance',
  'mathematics',
  'roleplay',
  'storytelling',
  'text-to-sql',
  'function-calling',
  'customer-support',
  'tone',
  'safety',
  'translation',
  'handwriting',
]);

function judge(dataset: DatasetSpec, input: ProposeInput): Proposal {
  const { wish, contract, method } = input;
  const rank = wish.tasks.findIndex((task) => dataset.tasks.includes(task));
  const domains = wish.domains.filter((domain) => dataset.tasks.includes(domain));
  const narrow = dataset.tasks.filter((task) => NARROW.has(task) && ![...wish.tasks, ...wish.domains].includes(task));
  const conversion = conversionOf(dataset.columns, targetOf(contract.modality, method));
  const languages = wish.languages.filter((one) => dataset.languages.includes(one));
  const score = [
    6 - 2 * rank,
    3 * domains.length - (wish.domains.length > 0 && domains.length === 0 ? 2 : 0),
    -2 * Math.min(2, narrow.length),
    Math.min(2, sharedWords(contract.goalText, `${dataset.title} ${dataset.teaches}`)),
    languages.length > 0 ? 1 : 0,
    // A set that names another language first is mostly in that one.
    languages.length > 0 && !languages.includes(dataset.languages[0] ?? '') ? -1 : 0,
    -enoughPenalty(dataset, input),
    -{ yes: 0, conditional: 1, no: 2 }[dataset.commercialUse],
    dataset.license === 'unknown' || dataset.license === 'other' ? -2 : 0,
    dataset.gated ? -1 : 0,
    -{ none: 0, possible: 0.75, yes: 2 }[dataset.personalData],
    findLicense(input.catalog, dataset.license)?.shareAlike === true ? -0.5 : 0,
    dataset.shape === 'text' && !dataset.tasks.includes('continued-pretraining') ? -1 : 0,
    dataset.modality === wish.modality ? 0 : -1,
    // Of two that serve alike the smaller one is looked through sooner.
    -Math.max(0, Math.log10(dataset.rows) - 5) / 2,
  ].reduce((sum, part) => sum + part, 0);
  const problem = problemOf(dataset, conversion, input);
  const serves = [...new Set([...domains, wish.tasks[rank]])].join(' and ');
  return {
    dataset,
    score,
    because: `${dataset.teaches} It is made for ${serves}${languages.length > 0 ? ` in ${languages.join(', ')}` : ''}.`,
    ...(problem !== undefined && { problem }),
  };
}

function enoughPenalty({ rows }: DatasetSpec, { contract: { modality, capability }, method }: ProposeInput): number {
  const { verdict } = judgeAmount({ modality, method, capability, rows });
  return { 'too-few': 4, few: 1, enough: 0, plenty: 0 }[verdict];
}

/** Words that say nothing about what data is about. */
const COMMON =
  /^(?:train|tuned?|model|small|large|with|that|this|from|data|answer|question|make|want|need|text|write|writes|written|about|many|some|other|their|which|people|should|would|learn)/;

/** How many telling words two texts share, by their first five letters. */
function sharedWords(a: string, b: string): number {
  const words = (text: string): Set<string> =>
    new Set(
      (text.toLowerCase().match(/\p{L}{4,}/gu) ?? [])
        .filter((word) => !COMMON.test(word))
        .map((word) => word.slice(0, 5)),
    );
  const others = words(b);
  return [...words(a)].filter((word) => others.has(word)).length;
}

function problemOf(dataset: DatasetSpec, conversion: Conversion, { policy, wish }: ProposeInput): Problem | undefined {
  const denial = licenseForbidden(policy, dataset.license);
  if (denial !== undefined) return { reason: 'ForbiddenByPolicy', ...denial };
  if (wish.commercial && dataset.commercialUse === 'no') {
    return {
      reason: 'NoData',
      text: `it may not be used commercially (licence ${dataset.license}); say in the goal that the use is not commercial to choose it`,
    };
  }
  if (dataset.config !== undefined) {
    return {
      reason: 'NoData',
      text: `the trainer cannot choose its part "${dataset.config}" yet: name a copy of that part in spec.data`,
    };
  }
  if (conversion.problem !== undefined) return { reason: 'NoData', text: conversion.problem };
  return undefined;
}
