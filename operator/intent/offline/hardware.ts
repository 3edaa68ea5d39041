import { toNumber } from './numbers.ts';

export interface HardwareWords {
  /** As written: "2x a100 80gb". */
  readonly limit: string | null;
  readonly count: number | null;
  /** Memory of one card, where stated or known. */
  readonly memoryGb: number | null;
}

const CARD = String.raw`(?:nvidia |geforce |tesla |apple )?(?:[abh][12]00|gh200|l40s?|l4\b|a10g?\b|a40|a6000|a5000|t4\b|v100|p100|p40|k80|(?:rtx|gtx)\s?(?:a?\d{4}|pro 6000)(?:\s?(?:ti|super|ada))?|(?:1050|1060|1070|1080|1660|2060|2070|2080|3050|3060|3070|3080|3090|4060|4070|4080|4090|5070|5080|5090)\s?(?:ti|super)?\b|m[1-5] (?:max|pro|ultra)|mac ?(?:book|mini|studio)\w*(?: \w+)?(?: m[1-5](?: (?:max|pro|ultra))?)?)`;
const COUNT = String.raw`(?<n>\d{1,3}(?!\d)|single|单|seule?|einzigen?|sola)\s?(?:x|×|\*|张|块|台|卡|枚(?:の)?|seule carte de|single|einzigen?)?\s*(?:nvidia )?`;
const MEMORY = String.raw`(?<mem>\d{1,3})[\s-]?(?:gb?(?![a-z])|gib|go(?![a-z])|g显存)`;
const WITH_CARD = new RegExp(
  `(?:${COUNT})?(?<card>${CARD})s?(?:[\\s(,-]{0,2}(?:with )?(?:sxm\\d?|pcie)?[\\s(]{0,2}${MEMORY})?`,
  'i',
);
const MEMORY_ONLY = new RegExp(
  `(?:${COUNT})?${MEMORY}[\\s-]?(?:of |の |の|的)?(?:[a-z]+ )?(?:gpus?|vram|cards?|karten?|carte|tarjeta|graphics|video memory|gpu ram|laptop|grafikkarten?|grafikspeicher|gpu-speicher|videospeicher|memoire (?:video|gpu)|memoria (?:de video|gpu|grafica)|显存|显卡|卡|显卡)|(?:gpus?|vram|cards?|karte|carte|tarjeta|显卡|显存|laptop)\\D{0,12}(?<after>\\d{1,3})\\s?(?:gb?(?![a-z])|gib|go(?![a-z]))|(?<zh>\\d{1,3})\\s?g(?:b)?\\s?(?:够不够|显存|的卡|显卡)|(?:one|a|single|eine[rn]?|una?|on) (?<bare>\\d{1,3})\\s?gb?(?![a-z])(?=[.,;]|$)`,
  'i',
);
const COUNT_AFTER =
  /(?:gpus?|cards?|卡|显卡)\s?(?<n>\d{1,3})\s?枚|(?<s>单卡|单张|only this card|single (?:gpu|card)|one (?:gpu|card)|einzige[nr]? (?:gpu|karte|grafikkarte)|seule? (?:gpu|carte)|sola (?:gpu|tarjeta)|ek (?:hi )?(?:gpu|\d+gb)|एक )/;

/** Machines that each hold the cards named: "8 nodes of 8 H100". */
const NODES =
  /(?<nodes>\d{1,2})\s?(?:nodes?|machines?|servers?|hosts?|knoten|rechner|noeuds?|nodos?|节点|台机器|ノード)\s?(?:of|with|x|à|a|mit|je|con|de|各|,)?\s?(?:each )?$/;

/** Memory of well-known cards, in GB, for seeing that a wish cannot fit. */
const KNOWN_MEMORY: readonly [RegExp, number][] = [
  [/1050/, 4],
  [/1060|1660|2060|4060/, 8],
  [/1070|1080|2070|2080|3050|3070/, 8],
  [/3060|3080|4070|5070/, 12],
  [/4080|5080|t4\b|v100|p100/, 16],
  [/3090|4090|\bl4\b|a10|a5000|p40/, 24],
  [/5090/, 32],
  [/a40|a6000|l40/, 48],
  [/h100|a100/, 80],
  [/h200/, 141],
];

/** The hardware that a text limits its run to. */
export function readHardware(text: string): HardwareWords {
  const card = WITH_CARD.exec(text);
  const memory = MEMORY_ONLY.exec(text);
  const groups = card?.groups ?? memory?.groups;
  const stated =
    memory?.groups?.['after'] ??
    memory?.groups?.['zh'] ??
    memory?.groups?.['bare'] ??
    groups?.['mem'] ??
    memory?.groups?.['mem'];
  const known = card === null ? undefined : KNOWN_MEMORY.find(([pattern]) => pattern.test(card[0]))?.[1];
  const memoryGb = stated === undefined ? (known ?? null) : Number(stated);
  const after = COUNT_AFTER.exec(text)?.groups;
  const count = countOf(
    groups?.['n'] ?? memory?.groups?.['n'] ?? after?.['n'] ?? (after?.['s'] === undefined ? undefined : '1'),
  );
  const nodes = Number(NODES.exec(text.slice(0, (card ?? memory)?.index ?? 0))?.groups?.['nodes'] ?? 1);
  return {
    limit: (card ?? memory)?.[0].trim() ?? null,
    count: count === null ? null : count * nodes,
    memoryGb,
  };
}

function countOf(words: string | undefined): number | null {
  if (words === undefined) return null;
  if (/^(?:single|单|seule?|einzige[nr]?|sola)$/.test(words.trim())) return 1;
  const value = toNumber(words);
  return value === undefined || value < 1 || value > 128 ? null : Math.floor(value);
}
