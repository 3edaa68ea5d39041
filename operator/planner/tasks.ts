import type { Contract } from '@kriptik/crds';
import type { ModelSpec } from '../catalog/catalog.ts';

/** What a base model is made for, where its modality alone does not tell. */
export type Task =
  | 'speech-recognition'
  | 'speech'
  | 'music'
  | 'sound-effects'
  | 'vision-language'
  | 'ocr'
  | 'image-embedding'
  | 'audio-language'
  | 'text-to-image'
  | 'text-to-video';

/** Families by task; a family that is not listed does what its modality usually means. */
const FAMILIES: Readonly<Record<Task, readonly string[]>> = {
  'speech-recognition': [
    'whisper',
    'distil-whisper',
    'wav2vec2',
    'w2v-bert',
    'parakeet',
    'canary',
    'seamless-m4t',
    'moonshine',
  ],
  music: [
    'musicgen',
    'ace-step',
    'songgeneration',
    'songgeneration-base',
    'yue',
    'diffrhythm',
    'diffsinger',
    'stable-audio',
  ],
  'sound-effects': ['audiogen', 'audioldm', 'stable-audio', 'tangoflux'],
  speech: [],
  ocr: [
    'donut',
    'trocr',
    'nougat',
    'got-ocr',
    'paddleocr',
    'deepseek-ocr',
    'layoutlmv3',
    'lilt',
    'pix2struct',
    'florence-2',
  ],
  'image-embedding': ['clip', 'siglip'],
  'audio-language': ['qwen2-audio'],
  'vision-language': [],
  'text-to-image': [],
  'text-to-video': [],
};

/** Tasks of a base model. */
export function tasksOf(model: Pick<ModelSpec, 'family' | 'modality'>): readonly Task[] {
  const listed = (Object.keys(FAMILIES) as Task[]).filter((task) => FAMILIES[task].includes(model.family));
  if (listed.length > 0) return listed;
  switch (model.modality) {
    case 'audio':
      return ['speech'];
    case 'multimodal':
      return ['vision-language', 'ocr'];
    case 'image':
      return ['text-to-image'];
    case 'video':
      return ['text-to-video'];
    case 'llm':
    case 'code':
      return [];
  }
}

/** Words of a capability, or of the goal where the capability does not tell, and the task they mean. */
const WORDS: readonly { readonly task: Task; readonly pattern: RegExp }[] = [
  {
    task: 'speech-recognition',
    pattern: /recogni|transcri|\basr\b|speech[- ]to[- ]text|dictation|diktat|语音识别|转写|文字起こし/,
  },
  { task: 'sound-effects', pattern: /sound[- ]effect|\bsfx\b|foley|geräusch|音效/ },
  { task: 'music', pattern: /music|song|sing|melod|\bbeats?\b|instrument|suno|musik|música|musique|音乐|歌|音楽|संगीत/ },
  { task: 'speech', pattern: /speech|voice|\btts\b|narrat|audiobook|stimme|voz\b|voix|语音|声音/ },
];

/** The task that an audio or multimodal goal is about; undefined = any model of the modality. */
export function wantedTask(contract: Pick<Contract, 'modality' | 'capability' | 'goalText'>): Task | undefined {
  const { modality, capability, goalText } = contract;
  if (modality === 'audio') {
    const among = (text: string): Task | undefined =>
      WORDS.find(({ pattern }) => pattern.test(text.toLowerCase()))?.task;
    return among(capability) ?? among(goalText);
  }
  if (modality !== 'multimodal') return undefined;
  if (/embed|retriev|search by (?:image|text)|similar/.test(capability)) return 'image-embedding';
  if (/audio|sound|speech/.test(capability)) return 'audio-language';
  return /ocr|document-extraction/.test(capability) ? 'ocr' : 'vision-language';
}
