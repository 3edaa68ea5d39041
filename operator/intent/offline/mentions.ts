import type { Family } from '../../catalog/catalog.ts';
import type { Mention } from '../../catalog/mention.ts';

const TRAINS =
  /(?:fine-?\s?tun\w*|train\w*|tune|tuning|adapt\w*|teach\w*|use|using|on|with|for|微调|训练|用|trainier\w*|entrenar|entrainer|affiner|afinar|ajustar|anpassen)\s?(?:\S+\s){0,2}$/;

/** Of several models the one that is to be trained: the one next to a training verb, else the first. `text` is folded. */
export function chosenMention(text: string, mentions: readonly Mention[]): Mention | undefined {
  const [first] = mentions;
  if (first === undefined) return undefined;
  const trained = mentions.find(({ index }) => TRAINS.test(text.slice(Math.max(0, index - 30), index)));
  const chosen = mentions.find(({ sizeB }) => sizeB !== undefined && trained === undefined) ?? trained ?? first;
  // "LLaVA 13B falls short, so we plan to tune the 7B model": the size near the verb is the one meant.
  const later = /(?:fine-?\s?tun\w*|train\w*)\s(?:\w+\s){0,3}(\d+(?:\.\d+)?)\s?b\b/.exec(text.slice(chosen.index));
  const size = later?.[1];
  if (size === undefined || chosen.sizeB === undefined || Number(size) === chosen.sizeB) return chosen;
  const suffix = chosen.instruct ? '-instruct' : '';
  return { ...chosen, sizeB: Number(size), slug: `${chosen.family.id}-${size}b${suffix}` };
}

/**
 * The folded text with names spelt out that are common words but for their
 * capitals: "CLIP", "BART", "OPT". The rest keeps its place and length as far
 * as the first such name.
 */
export function withShouted(plain: string, folded: string, families: readonly Family[]): string {
  if (plain === plain.toUpperCase()) return folded;
  const shouted = new Set(
    [...plain.matchAll(/(?<![\p{L}\d-])[A-Z]{3,6}(?![\p{L}-])/gu)].map(([word]) => word.toLowerCase()),
  );
  return families
    .filter(({ id, names }) => shouted.has(id) && !names.includes(id))
    .reduce(
      (text, { id, names }) => text.replace(new RegExp(`(?<![a-z\\d])${id}(?![a-z\\d])`), names[0] ?? id),
      folded,
    );
}
