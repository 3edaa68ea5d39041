import type { MethodName, Modality, PlannedData } from '@kriptik/crds';

type Mapping = NonNullable<PlannedData['mapping']>;

/** Form of rows that a kind of training takes. */
export type TargetForm = 'messages' | 'prompt-completion' | 'preference' | 'text' | 'media-text' | 'media' | 'prompts';

/** What has to happen to the rows of a source before they can be trained on. */
export interface Conversion {
  readonly mapping?: Mapping;
  /** What speaks against it, for people: no columns that fit, or a step that has to be done beforehand. */
  readonly problem?: string;
}

/** Column sets that the trainer reads as they are, by form. */
const READ_AS_IS: Readonly<Record<TargetForm, readonly (readonly string[])[]>> = {
  messages: [['messages'], ['prompt', 'completion'], ['instruction', 'output'], ['question', 'answer'], ['text']],
  'prompt-completion': [['prompt', 'completion'], ['instruction', 'output'], ['question', 'answer'], ['messages']],
  preference: [
    ['prompt', 'chosen', 'rejected'],
    ['chosen', 'rejected'],
    ['prompt', 'completion', 'label'],
  ],
  text: [['text']],
  'media-text': ['image', 'video', 'audio', 'file_name'].flatMap((media) => [
    [media, 'caption'],
    [media, 'text'],
    [media, 'question', 'answer'],
  ]),
  media: [['image'], ['video'], ['audio'], ['file_name']],
  prompts: [
    ['prompt', 'expected'],
    ['question', 'answer'],
    ['chosen', 'rejected'],
  ],
};

const PROMPT_NAMES: readonly string[] = [
  'prompt',
  'instruction',
  'question',
  'query',
  'input',
  'inputs',
  'problem',
  'problem_statement',
  'user',
  'article',
  'document',
  'dialogue',
  'source',
  'sql_prompt',
  'func_documentation_string',
];
const COMPLETION_NAMES: readonly string[] = [
  'completion',
  'response',
  'output',
  'answer',
  'target',
  'targets',
  'assistant',
  'summary',
  'highlights',
  'solution',
  'gold_standard_solution',
  'long_answer',
  'sql',
  'code',
  'generation',
  'func_code_string',
];
const TEXT_NAMES: readonly string[] = ['text', 'content', 'body', 'code', 'document', 'article'];
const CHOSEN_NAMES: readonly string[] = ['chosen', 'preferred', 'winner', 'accepted', 'better', 'response_chosen'];
const REJECTED_NAMES: readonly string[] = ['rejected', 'dispreferred', 'loser', 'worse', 'response_rejected'];
const IMAGE_NAMES: readonly string[] = ['image', 'img', 'picture', 'photo', 'images', 'jpg', 'png', 'image_path'];
const CAPTION_NAMES: readonly string[] = [
  'caption',
  'text',
  'description',
  'prompt',
  'short_caption',
  'en_text',
  'txt',
  'title',
];

/** Usual names of a column, by the name the trainer knows. The first set whose columns are all there is taken. */
const RENAMES: Readonly<Record<TargetForm, readonly Readonly<Record<string, readonly string[]>>[]>> = {
  messages: [
    { messages: ['conversations', 'conversation'] },
    { prompt: PROMPT_NAMES, completion: COMPLETION_NAMES },
    { text: TEXT_NAMES },
  ],
  'prompt-completion': [{ prompt: PROMPT_NAMES, completion: COMPLETION_NAMES }],
  preference: [
    { prompt: PROMPT_NAMES, chosen: CHOSEN_NAMES, rejected: REJECTED_NAMES },
    { chosen: CHOSEN_NAMES, rejected: REJECTED_NAMES },
  ],
  text: [{ text: TEXT_NAMES }],
  'media-text': [
    { image: IMAGE_NAMES, question: ['question', 'query', 'questions'], answer: ['answer'] },
    { image: IMAGE_NAMES, caption: CAPTION_NAMES },
    { video: ['video', 'clip', 'video_path', 'mp4', 'file'], caption: CAPTION_NAMES },
    {
      audio: ['audio', 'wav', 'mp3', 'audio_path', 'speech', 'file'],
      text: ['sentence', 'transcription', 'transcript', 'normalized_text', 'text_normalized', 'text', ...CAPTION_NAMES],
    },
  ],
  media: [{ image: IMAGE_NAMES }, { video: ['clip', 'mp4'] }, { audio: ['wav', 'mp3', 'song'] }],
  prompts: [{ prompt: PROMPT_NAMES, expected: ['solution', 'expected', 'final_answer', ...COMPLETION_NAMES] }],
};

/**
 * How rows with these columns become what the trainer takes. Nothing to do
 * where it reads them as they are; else the columns to rename; else why not.
 */
export function conversionOf(columns: readonly string[], target: TargetForm): Conversion {
  if (columns.includes('parent_id')) {
    return { problem: 'its rows are single messages of a tree: join them to conversations in a copy first' };
  }
  if (READ_AS_IS[target].some((set) => set.every((name) => columns.includes(name)))) return {};
  const columnOf = (names: readonly string[]): string | undefined => {
    const name = names.find((one) => columns.some((column) => column.toLowerCase() === one));
    return columns.find((column) => column.toLowerCase() === name);
  };
  for (const wanted of RENAMES[target]) {
    const found = Object.entries(wanted).map(([to, names]) => ({ to, from: columnOf(names) }));
    if (!found.every(({ from }) => from !== undefined)) continue;
    const renamed = found.flatMap(({ from, to }) => (from === undefined || from === to ? [] : [{ from, to }]));
    if (renamed.length === 0) return {};
    const told = renamed.map(({ from, to }) => `"${from}" as "${to}"`).join(', ');
    const roles = 'messages' in wanted ? ', each message with "role" and "content"' : '';
    return {
      mapping: {
        from: found.map(({ from }) => from).join('+'),
        to: Object.keys(wanted).join('-'),
        columns: renamed,
      },
      problem: `the trainer does not rename columns yet: write ${told}${roles} in a copy and name that in spec.data`,
    };
  }
  const taken = READ_AS_IS[target].slice(0, 4).map((set) => set.join(' + '));
  return {
    problem: `the trainer cannot read the columns ${columns.slice(0, 8).join(', ')}: it takes ${taken.join('; ')}`,
  };
}

/** The form of rows that a method of a modality takes. */
export function targetOf(modality: Modality, method: MethodName): TargetForm {
  if (method === 'dpo') return 'preference';
  if (method === 'rlhf') return 'prompts';
  if (method === 'dreambooth' || method === 'textual-inversion') return 'media';
  return modality === 'llm' || modality === 'code' ? 'messages' : 'media-text';
}
