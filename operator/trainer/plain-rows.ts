/** Characters of one token, and tokens a chat template adds to a text: as the trainer's own check counts. */
const CHARACTERS_PER_TOKEN = 4;
const TEMPLATE_TOKENS = 5;

/** Shape of a row -> the fields it must have and may have. The first field that a row has decides. */
const SHAPES = {
  'prompt/completion': { required: ['prompt', 'completion'], optional: ['system'] },
  'instruction/output': { required: ['instruction', 'output'], optional: ['input', 'system'] },
  'question/answer': { required: ['question', 'answer'], optional: ['system'] },
  text: { required: ['text'], optional: [] },
} as const;

type Shape = keyof typeof SHAPES | 'messages';
type Row = Readonly<Record<string, unknown>>;

/** A row that is plainly in order. */
export interface PlainRow {
  readonly shape: Shape;
  readonly tokens: number;
}

/**
 * Reads a line of JSON Lines that is plainly a row to chat with, and counts its tokens as the trainer does without a
 * tokenizer. Undefined for anything that is wrong or merely unusual: that is for the trainer's own check to judge.
 */
export function plainRow(line: string): PlainRow | undefined {
  const row = parseObject(line);
  if (row === undefined) return undefined;
  const shape = shapeOf(row);
  const texts =
    shape === undefined ? undefined : shape === 'messages' ? chatTexts(row['messages']) : fieldTexts(row, shape);
  if (shape === undefined || texts === undefined) return undefined;
  return { shape, tokens: texts.reduce((sum, text) => sum + tokensOf(text), 0) };
}

function parseObject(line: string): Row | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (!isRow(value)) return undefined;
  // A field that is there twice is a fault, and JSON.parse keeps silent about it: each field has one colon.
  const colons = line.replace(/"(?:[^"\\]|\\.)*"/g, '').split(':').length - 1;
  return colons === fieldsIn(value) ? value : undefined;
}

function isRow(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fieldsIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const below = Object.values(value).reduce<number>((sum, child) => sum + fieldsIn(child), 0);
  return below + (Array.isArray(value) ? 0 : Object.keys(value).length);
}

function shapeOf(row: Row): Shape | undefined {
  if (Object.hasOwn(row, 'messages')) return 'messages';
  const shapes = Object.keys(SHAPES) as (keyof typeof SHAPES)[];
  return shapes.find((shape) => SHAPES[shape].required.some((name) => Object.hasOwn(row, name)));
}

/** The texts that the row's messages will have, or its one text. */
function fieldTexts(row: Row, shape: keyof typeof SHAPES): string[] | undefined {
  const { required, optional } = SHAPES[shape];
  const must = required.map((name) => row[name]);
  if (!must.every(isPlainText)) return undefined;
  const may = new Map<string, string>();
  for (const name of optional) {
    const value = Object.hasOwn(row, name) ? row[name] : null;
    if (isPlainText(value)) may.set(name, value);
    else if (value !== null && value !== '') return undefined;
  }
  const [asked = '', ...answer] = must;
  const input = may.get('input');
  const system = may.get('system');
  return [...(system === undefined ? [] : [system]), input === undefined ? asked : `${asked}\n\n${input}`, ...answer];
}

const ROLES: ReadonlySet<unknown> = new Set(['system', 'user', 'assistant', 'tool']);

function chatTexts(value: unknown): string[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const messages: unknown[] = value;
  const texts: string[] = [];
  let answered = false;
  for (const [index, message] of messages.entries()) {
    if (!isRow(message) || !Object.hasOwn(message, 'role') || !Object.hasOwn(message, 'content')) return undefined;
    const { role, content } = message as { role: unknown; content: unknown };
    if (!ROLES.has(role) || (role === 'system' && index > 0) || !isPlainText(content)) return undefined;
    answered ||= role === 'assistant';
    texts.push(content);
  }
  return answered ? texts : undefined;
}

/** A text with something to read in it, and no half of a surrogate pair. */
function isPlainText(value: unknown): value is string {
  return typeof value === 'string' && /[\p{L}\p{N}\p{P}\p{S}]/u.test(value) && value.isWellFormed();
}

/** Characters count as code points; halves are rounded to even, as Python does. */
function tokensOf(text: string): number {
  let characters = 0;
  for (const _ of text) characters += 1;
  const exact = characters / CHARACTERS_PER_TOKEN;
  const below = Math.floor(exact);
  const half = exact - below === 0.5;
  const rounded = half ? below + (below % 2) : Math.round(exact);
  return Math.max(1, rounded) + TEMPLATE_TOKENS;
}
