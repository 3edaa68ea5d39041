import type { PlannedData } from '@kriptik/crds';

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
  ],
};

const PROMPT_NAMES: readonly string[] = [
  'prompt',
  'instruction',
  'question',
  'query',
  'input',
  'problem',
  'user',
  'context',
  'article',
  'document',
  'dialogue',
  'source',
  'sentence',
  'sql_prompt',
  'func_documentation_string',
];
const COMPLETION_NAMES: readonly string[] = [
  'completion',
  'response',
  'output',
  'answer',
  'answers',
  'target',
  'assistant',
  'summary',
  'highlights',
  'solution',
  'sql',
  'code',
  'translation',
  'label',
  'generation',
  'func_code_string',
];
const TEXT_NAMES: readonly string[] = ['text', 'content', 'body', 'code', 'document', 'article'];
const CHOSEN_NAMES: readonly string[] = ['chosen', 'preferred', 'winner', 'accepted', 'better', 'response_chosen'];
const REJECTED_NAMES: readonly string[] = ['rejected', 'dispreferred', 'loser', 'worse', 'response_rejected'];
const IMAGE_NAMES: readonly string[] = ['image', 'img', 'picture', 'photo', 'images', 'jpg', 'png', 'image_path'];
const CAPTION_NAMES: readonly string[] = [
  'caption',
  'captions',
  'text',
  'description',
  'prompt',
  'en_text',
  'txt',
  'title',
];

/** Usual names of a column, by the name the trainer knows. The first set whose columns are all there is taken. */
const RENAMES: Readonly<Record<TargetForm, readonly Readonly<Record<string, readonly string[]>>[]>> = {
  messages: [
    { messages: ['conversations', 'conversation', 'dialog', 'dialogue', 'chat', 'data'] },
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
    { image: IMAGE_NAMES, question: ['question', 'query', 'questions'], answer: ['answer', 'answers', 'label'] },
    { image: IMAGE_NAMES, caption: CAPTION_NAMES },
    { video: ['video', 'clip', 'video_path', 'mp4', 'file'], caption: CAPTION_NAMES },
    {
      audio: ['audio', 'wav', 'mp3', 'audio_path', 'speech', 'file'],
      text: ['sentence', 'transcription', 'transcript', 'text', ...CAPTION_NAMES],
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
  const has = (name: string): boolean => columns.includes(name);
  if (READ_AS_IS[target].some((set) => set.every(has))) return {};
  for (const wanted of RENAMES[target]) {
    const found = Object.entries(wanted).map(([to, names]) => ({ to, from: names.find(has) }));
    if (!found.every(({ from }) => from !== undefined)) continue;
    const renamed = found.flatMap(({ from, to }) => (from === undefined || from === to ? [] : [{ from, to }]));
    const form = formOf(Object.keys(wanted));
    const mapping = { from: found.map(({ from }) => from).join('+'), to: form, columns: renamed };
    return {
      mapping,
      problem: `the trainer does not rename columns: write ${renamed.map(({ from, to }) => `"${from}" as "${to}"`).join(', ')} before training`,
    };
  }
  return {
    problem: `none of the columns ${columns.slice(0, 8).join(', ')} is known as ${target}: the trainer takes ${READ_AS_IS[
      target
    ]
      .slice(0, 4)
      .map((set) => set.join(' + '))
      .join('; ')}`,
  };
}

function formOf(names: readonly string[]): string {
  return names.join('-');
}
