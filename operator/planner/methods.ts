import type { Contract, MethodName } from '@kriptik/crds';
import type { Catalog, MethodSpec } from '../catalog/catalog.ts';

/** A method in the light of a goal. */
export interface MethodAdvice {
  readonly name: MethodName;
  /** Whether the planner may pick it by itself. */
  readonly acceptable: boolean;
  /** Why it would be taken; a sentence. */
  readonly because: string;
  /** Why another one is taken instead; a sentence. */
  readonly against: string;
  /** What one should know before insisting on it. */
  readonly unwise?: string;
}

/** What the choice of a method looks at in the data. */
export interface MethodData {
  readonly rows: number;
  /** Rows were counted or stated. */
  readonly rowsKnown: boolean;
  /** All rows are preference pairs. */
  readonly pairs: boolean;
  /** Rows were seen, and some are no pairs. */
  readonly noPairs: boolean;
}

/** Methods that do nearly the same: a stated one may give way to these, and to no other. */
const CLOSE: Readonly<Record<MethodName, readonly MethodName[]>> = {
  lora: ['qlora'],
  qlora: ['lora'],
  full: [],
  dpo: [],
  rlhf: [],
  dreambooth: ['lora'],
  'textual-inversion': [],
  'voice-clone': [],
};

/** Below this many rows, all weights forget more than they learn. */
const FEW_ROWS = 1000;
/** Preference methods need this many pairs before they steer. */
const FEW_PAIRS = 500;

/** The catalog's row of a method. Throws where the catalog lacks it: its own test forbids that. */
export function methodFacts(catalog: Catalog, name: MethodName): MethodSpec {
  const found = catalog.methods.find(({ id }) => id === name);
  if (found === undefined) throw new Error(`the catalog has no method ${name}`);
  return found;
}

/**
 * All methods that make sense for the modality, best first, each with the reason why it is or is not taken. A method
 * that the goal names stands with its close equivalents; others are shown, and left to people.
 */
export function adviseMethods(contract: Contract, data: MethodData, catalog: Catalog): readonly MethodAdvice[] {
  const possible = catalog.methods.filter(({ modalities }) => modalities.includes(contract.modality));
  const order = preferred(contract, data).filter((name) => possible.some(({ id }) => id === name));
  const rest = possible.map(({ id }) => id).filter((name) => !order.includes(name));
  return [...order, ...rest].map((name) => {
    const unwise = unwiseBecause(name, contract, data);
    return {
      name,
      acceptable: order.includes(name),
      because: takenBecause(name, contract, data),
      against: order.includes(name)
        ? nextInLine(name, order, contract, catalog)
        : leftBecause(name, contract, data, catalog),
      ...(unwise !== undefined && { unwise }),
    };
  });
}

/** Whether the method was the author's choice rather than the planner's. */
export function isStated({ methodStated, constraints }: Contract): boolean {
  return methodStated === true || constraints.method !== undefined;
}

/** Methods the planner may pick, best first. */
function preferred(contract: Contract, data: MethodData): readonly MethodName[] {
  const { constraints, methods = [] } = contract;
  if (constraints.method !== undefined) return [constraints.method];
  const [first] = methods;
  if (contract.methodStated === true && first !== undefined) {
    return [...new Set([...methods, ...CLOSE[first]])];
  }
  const derived = methods.length > 0 ? methods : fallback(contract);
  if (data.pairs && !derived.includes('dpo')) return ['dpo', ...derived];
  return [...new Set([...derived, ...derived.flatMap((name) => CLOSE[name])])];
}

function fallback({ modality }: Contract): readonly MethodName[] {
  return modality === 'llm' || modality === 'code' || modality === 'multimodal' ? ['lora', 'qlora'] : ['lora'];
}

function takenBecause(name: MethodName, contract: Contract, data: MethodData): string {
  if (isStated(contract) && (contract.constraints.method ?? contract.methods?.[0]) === name)
    return 'The goal names it.';
  const rows = data.rows.toLocaleString('en');
  switch (name) {
    case 'lora':
      return contract.modality === 'image' || contract.modality === 'video'
        ? 'A style or look is learned by small added matrices; the base keeps everything else it can do.'
        : `${rows} rows teach style, format and a narrow skill: small added matrices hold that, and forget nothing of the base.`;
    case 'qlora':
      return `As LoRA, over a base held in 4 bits: ${rows} rows need no more, and the smaller memory makes the card cheaper.`;
    case 'full':
      return `${rows} rows are enough to move all weights without forgetting more than is learned.`;
    case 'dpo':
      return data.pairs
        ? 'The rows are pairs of a better and a worse answer: that is what it learns from.'
        : 'The goal is about which of two answers is better, not about new knowledge.';
    case 'rlhf':
      return 'The goal speaks of a reward, or of answers that can be checked.';
    case 'dreambooth':
      return 'One subject from a few pictures: it binds the subject to a word and keeps its likeness.';
    case 'textual-inversion':
      return 'Only a new word is learned: the smallest result, and the base stays untouched.';
    case 'voice-clone':
      return 'One voice is to be learned from its recordings.';
  }
}

/** Of methods that may be taken, why not this one first. */
function nextInLine(name: MethodName, order: readonly MethodName[], contract: Contract, catalog: Catalog): string {
  const [first = name] = order;
  const { title, strength } = methodFacts(catalog, name);
  if (name === first) {
    return `First in line; left where it finds no card or breaks the limit, or where another was selected. ${title}: ${strength}.`;
  }
  const stands = isStated(contract) && CLOSE[first].includes(name) ? 'Close to what the goal names' : 'Next in line';
  return `${stands}, taken where ${methodFacts(catalog, first).title} finds no card or breaks the limit. ${title}: ${strength}.`;
}

function leftBecause(name: MethodName, contract: Contract, data: MethodData, catalog: Catalog): string {
  if (isStated(contract))
    return `The goal names another one. ${methodFacts(catalog, name).title}: ${methodFacts(catalog, name).strength}.`;
  const rows = data.rows.toLocaleString('en');
  switch (name) {
    case 'full':
      return data.rows < FEW_ROWS
        ? `${rows} rows are too few to train all weights without forgetting, at many times the memory.`
        : 'All weights need many times the memory; adapters come close on narrow tasks.';
    case 'dpo':
      return data.pairs
        ? 'Possible with these pairs.'
        : 'It learns from pairs of a better and a worse answer, and the rows are none.';
    case 'rlhf':
      return 'It needs a reward model or answers that can be checked, several times the compute, and care.';
    case 'dreambooth':
      return 'It is for one subject, and holds more of the model in memory; a style is learned by LoRA as well.';
    case 'textual-inversion':
      return 'It cannot show what the base cannot draw already.';
    case 'voice-clone':
      return 'It copies one voice, which the goal does not ask for; it needs the consent of the speaker.';
    case 'lora':
      return 'Possible; it learns less of one subject, or of much new material, than what was chosen.';
    case 'qlora':
      return 'Possible where memory is short: 20-45 % slower, and a little is lost when it is merged.';
  }
}

function unwiseBecause(name: MethodName, contract: Contract, data: MethodData): string | undefined {
  const rows = data.rows.toLocaleString('en');
  const text = contract.modality === 'llm' || contract.modality === 'code' || contract.modality === 'multimodal';
  if (name === 'full' && text && data.rowsKnown && data.rows < FEW_ROWS)
    return `Training all weights on ${rows} rows forgets more than it learns; LoRA is the safer way.`;
  if (name === 'dpo' && data.noPairs)
    return 'DPO needs rows with a chosen and a rejected answer; none were seen in the data.';
  if (name === 'dpo' && data.rowsKnown && !data.pairs)
    return 'DPO needs rows with a chosen and a rejected answer. The data was not looked into: see that each row has both.';
  if (name === 'dpo' && data.pairs && data.rows < FEW_PAIRS)
    return `${rows} pairs are few: DPO steers reliably from about ${FEW_PAIRS}.`;
  if (name === 'rlhf')
    return 'RLHF needs a reward model, or answers that a program can check: have it ready before approving. The result is as good as its reward.';
  if (name === 'dreambooth' && data.rowsKnown && data.rows > 100)
    return `DreamBooth is for one subject from a few pictures; with ${rows} LoRA learns as well and forgets less.`;
  if (name === 'voice-clone')
    return 'A cloned voice can say anything: have the consent of the speaker recorded, and name it in spec.consent.';
  return undefined;
}
