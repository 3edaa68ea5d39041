import type { Contract, MethodName, Modality } from '@kriptik/crds';
import type { DatasetSpec, Family } from '../../catalog/catalog.ts';
import { mentionOf } from '../../catalog/mention.ts';
import { type Task, tasksOf, wantedTask } from '../tasks.ts';
import { languagesOf } from './language.ts';

/** What public data would have to be like to serve a goal. */
export interface DataWish {
  readonly modality: Modality;
  /** Tasks that teach the capability, best first; empty = no public data could. */
  readonly tasks: readonly string[];
  /** Fields of knowledge that the goal names. */
  readonly domains: readonly string[];
  readonly languages: readonly string[];
  readonly shapes: readonly DatasetSpec['shape'][];
  /** False only where the goal says that nothing is sold with it. */
  readonly commercial: boolean;
}

const GENERAL = ['instruction-following', 'chat'];

/** Tasks of data sets by the capability of a contract; any other capability is served by sets of just that task. */
const TASKS: Readonly<Record<string, readonly string[]>> = {
  chat: ['chat', 'instruction-following'],
  'instruction-following': GENERAL,
  'text-generation': GENERAL,
  'question-answering': ['question-answering', 'instruction-following', 'chat'],
  summarization: ['summarisation'],
  summarisation: ['summarisation'],
  translation: ['translation'],
  reasoning: ['reasoning', 'mathematics'],
  'function-calling': ['function-calling'],
  alignment: ['preference', 'safety'],
  classification: ['classification'],
  roleplay: ['roleplay', 'chat'],
  'creative-writing': ['storytelling', 'roleplay'],
  'information-extraction': ['extraction'],
  'code-generation': ['code-generation'],
  'code-completion': ['code-generation', 'continued-pretraining'],
  'code-review': ['code-editing', 'code-generation'],
  'text-to-sql': ['text-to-sql'],
  'visual-question-answering': ['visual-question-answering', 'charts', 'documents'],
  'image-captioning': ['captioning'],
  ocr: ['ocr', 'documents'],
  'document-extraction': ['documents', 'extraction', 'ocr'],
  'image-classification': ['classification'],
  'audio-classification': ['classification'],
  'video-understanding': ['video-understanding', 'visual-question-answering'],
  'speech-recognition': ['speech-recognition'],
  'text-to-speech': ['text-to-speech', 'voice'],
  'text-to-music': ['music-generation'],
  'singing-voice': ['singing'],
  'text-to-image': ['text-to-image', 'style'],
  'text-to-image-style': ['style'],
  'text-to-video': ['text-to-video'],
  'text-to-video-style': ['text-to-video'],
};

/** Fields of knowledge and manners that a goal may name, as the catalog's tasks write them. */
const DOMAINS: readonly (readonly [string, RegExp])[] = [
  ['medical', /\b(medic\w*|clinical|doctors?|patients?|radiolog\w*|pharma\w*|medizin\w*|médic\w*|health)\b|医疗|医学/i],
  ['legal', /\b(legal|law|lawyers?|contracts?|court|recht\w*|jurid\w*|jurídic\w*|derecho|juridique)\b|法律/i],
  ['finance', /\b(financ\w*|bank\w*|invest\w*|stock|accounting|finanz\w*)\b|金融/i],
  ['mathematics', /\b(math\w*|algebra|olympiad|mathe\w*)\b|数学/i],
  [
    'customer-support',
    /\b(support|help ?desk|customer service|kundendienst|kundenservice|atención al cliente)\b|客服/i,
  ],
  ['tone', /\b(tone|polite\w*|rude|formal|friendly|tonfall|tono)\b|语气/i],
  ['charts', /\b(charts?|graphs?|plots?|diagram\w*)\b|图表/i],
  ['documents', /\b(invoices?|receipts?|forms?|documents?|rechnung\w*|facturas?)\b|发票/i],
  ['handwriting', /\b(handwrit\w*|handschrift\w*|manuscrit\w*)\b|手写/i],
  ['safety', /\b(safety|harmless|toxic\w*|refus\w*)\b/i],
];

const NOT_COMMERCIAL =
  /\b(research|university|thesis|phd|homework|hobby|non-?commercial|for fun|personal (?:use|project)|privat\w*|forschung|studium|universidad|recherche)\b|科研|毕业/i;
const COMMERCIAL =
  /\b(commercial\w*|product|customers?|clients?|sell\w*|shop|store|startup|company|business|saas|enterprise|kunden|firma|unternehmen|clientes|empresa)\b|客户|公司|商业/i;

/** Tasks of data sets by what a base model is made for, where the capability does not tell. */
const BY_MODEL: Readonly<Partial<Record<Task, readonly string[]>>> = {
  'speech-recognition': ['speech-recognition'],
  speech: ['text-to-speech', 'voice'],
  music: ['music-generation', 'singing'],
  ocr: ['ocr', 'documents'],
  'vision-language': ['visual-question-answering', 'captioning'],
};

/** Reads off a contract which public data would serve it, trained by this method. */
export function wishOf(contract: Contract, method: MethodName | undefined, families: readonly Family[] = []): DataWish {
  const { modality, capability, goalText, summary } = contract;
  const domains = DOMAINS.filter(([, words]) => words.test(goalText)).map(([domain]) => domain);
  const slug = capability.toLowerCase();
  const known = TASKS[slug] ??
    byModel(contract, families) ?? [slug, ...(domains.length > 0 && isText(modality) ? GENERAL : [])];
  const tasks = method === 'dpo' ? ['preference', ...domains.filter((domain) => domain === 'safety')] : known;
  return {
    modality,
    tasks: method === 'rlhf' ? ['mathematics', 'reasoning', ...known] : tasks,
    domains,
    languages: languagesOf(`${goalText} ${summary === goalText ? '' : summary}`),
    shapes: shapesFor(modality, method),
    commercial: isCommercial(goalText),
  };
}

/** The tasks that the stated base model, or words of the goal, point at. */
function byModel(contract: Contract, families: readonly Family[]): readonly string[] | undefined {
  const name = contract.constraints.model ?? contract.model;
  const family = name === undefined ? undefined : mentionOf(name.replace(/^[\w.-]+\//, ''), families)?.family;
  const [made] = family === undefined ? [] : tasksOf({ family: family.id, modality: family.modality });
  const task = made ?? wantedTask(contract);
  return task === undefined ? undefined : BY_MODEL[task];
}

/** Unless a goal says otherwise, its result is taken to be for sale or for use in a business. */
function isCommercial(text: string): boolean {
  return COMMERCIAL.test(text.replaceAll(/non-?commercial\w*/gi, '')) || !NOT_COMMERCIAL.test(text);
}

/** Shapes of rows that a method takes. */
function shapesFor(modality: Modality, method: MethodName | undefined): readonly DatasetSpec['shape'][] {
  if (method === 'dpo') return ['preference'];
  switch (modality) {
    case 'llm':
    case 'code':
      return method === 'rlhf' ? ['prompt-completion', 'messages'] : ['messages', 'prompt-completion', 'text'];
    case 'multimodal':
      return ['vqa', 'image-text', 'video-text', 'audio-text'];
    case 'image':
      return ['image-text', 'image'];
    case 'video':
      return ['video-text'];
    case 'audio':
      return ['audio-text', 'audio'];
  }
}

function isText(modality: Modality): boolean {
  return modality === 'llm' || modality === 'code';
}

/**
 * Why only the author's own data can serve this goal, as the second half of a
 * sentence; undefined where public data may. One subject, one voice and one
 * company's tickets are nowhere to be downloaded.
 */
export function onlyOwnData(contract: Contract, method: MethodName | undefined): string | undefined {
  const { capability, datasetHint } = contract;
  if (method === 'dreambooth' || method === 'textual-inversion' || capability === 'subject-image') {
    return 'it is about one subject, and only pictures of that subject teach it';
  }
  if (method === 'voice-clone' || capability === 'voice-clone') {
    return 'it is about one voice, and only recordings of that voice teach it, with the consent of the speaker';
  }
  if (datasetHint !== undefined) return `it speaks of data of your own (${datasetHint})`;
  return undefined;
}
