import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { type HttpFixture, type Reply, type SeenRequest, serveFixture } from './http-fixture.ts';

/** The Messages API as it is documented: what it checks, counts, caches and answers. */

const messagesRequest = z.object({
  model: z.string(),
  max_tokens: z.int().min(1),
  system: z.array(
    z.object({
      type: z.literal('text'),
      text: z.string().min(1),
      cache_control: z.object({ type: z.literal('ephemeral') }).optional(),
    }),
  ),
  messages: z.array(z.object({ role: z.enum(['user', 'assistant']), content: z.string().min(1) })).min(1),
  output_config: z.object({
    format: z.object({ type: z.literal('json_schema'), schema: z.record(z.string(), z.unknown()) }),
  }),
});

type MessagesRequest = z.infer<typeof messagesRequest>;

/** Models the fixture's key may use, with the fewest tokens a prompt needs to be cached. */
const MODELS: Readonly<Record<string, number>> = {
  'claude-opus-4-5': 4096,
  'claude-haiku-4-5': 4096,
  'small-cache': 100,
};
/** Parameters with union types that a schema may hold. */
const MOST_UNIONS = 16;

export interface AnthropicFixture extends HttpFixture {
  readonly key: string;
  /** What the next requests get instead of an answer of the model, in order. */
  readonly replies: Reply[];
}

/**
 * A server that speaks the Messages API. `answerOf` is the model: the text of its answer to a user's message. An
 * answer longer than max_tokens is cut off, as the service does.
 */
export async function startAnthropic(answerOf: (content: string) => string): Promise<AnthropicFixture> {
  const key = `sk-ant-api03-${randomUUID()}`;
  const replies: Reply[] = [];
  const cached = new Set<string>();
  const fixture = await serveFixture((request) => replies.shift() ?? answer(request, { key, answerOf, cached }));
  return { ...fixture, key, replies };
}

interface Service {
  readonly key: string;
  readonly answerOf: (content: string) => string;
  readonly cached: Set<string>;
}

function answer({ method, path, headers, body }: SeenRequest, { key, answerOf, cached }: Service): Reply {
  if (method !== 'POST' || path !== '/v1/messages') return failure(404, 'not_found_error', `${method} ${path}`);
  // Both headers are taken; the client sends the second.
  if (headers['x-api-key'] !== key && headers.authorization !== `Bearer ${key}`) {
    return failure(401, 'authentication_error', 'invalid x-api-key');
  }
  if (headers['anthropic-version'] === undefined) {
    return failure(400, 'invalid_request_error', 'anthropic-version: header is required');
  }
  const parsed = messagesRequest.safeParse(JSON.parse(body));
  if (!parsed.success) return failure(400, 'invalid_request_error', parsed.error.issues[0]?.message ?? 'bad body');
  const asked = parsed.data;
  const leastCached = MODELS[asked.model];
  if (leastCached === undefined) return failure(404, 'not_found_error', `model: ${asked.model}`);
  const unions = unionsIn(asked.output_config.format.schema);
  if (unions > MOST_UNIONS) {
    const most = `Schemas contains too many parameters with union types (${unions} parameters with type arrays or anyOf).`;
    return failure(400, 'invalid_request_error', most);
  }
  return { status: 200, headers: { 'request-id': 'req_1' }, body: messageOf(asked, answerOf, cached, leastCached) };
}

/** An error in the service's form. */
export function failure(status: number, type: string, message: string, headers: Record<string, string> = {}): Reply {
  return { status, headers, body: { type: 'error', error: { type, message }, request_id: 'req_1' } };
}

/** A message of the model that ended for this reason. */
export function stopped(stop_reason: string, text: string): Reply {
  return { status: 200, body: message('claude-opus-4-5', text, stop_reason, { input_tokens: 900, output_tokens: 50 }) };
}

function messageOf(
  asked: MessagesRequest,
  answerOf: (content: string) => string,
  cached: Set<string>,
  leastCached: number,
): Record<string, unknown> {
  const whole = answerOf(asked.messages.map(({ content }) => content).join('\n'));
  const isCut = tokens(whole) > asked.max_tokens;
  const text = isCut ? whole.slice(0, asked.max_tokens * CHARS_PER_TOKEN) : whole;
  const prefix = asked.system.map((block) => block.text).join('\n');
  const isCacheable = asked.system.at(-1)?.cache_control !== undefined && tokens(prefix) >= leastCached;
  const isKnown = cached.has(prefix);
  if (isCacheable) cached.add(prefix);
  return message(asked.model, text, isCut ? 'max_tokens' : 'end_turn', {
    input_tokens: tokens(asked.messages.map(({ content }) => content).join()) + (isCacheable ? 0 : tokens(prefix)),
    cache_creation_input_tokens: isCacheable && !isKnown ? tokens(prefix) : 0,
    cache_read_input_tokens: isCacheable && isKnown ? tokens(prefix) : 0,
    output_tokens: tokens(text),
  });
}

function message(model: string, text: string, stop_reason: string, usage: object): Record<string, unknown> {
  return {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model,
    content: text === '' ? [] : [{ type: 'text', text }],
    stop_reason,
    stop_sequence: null,
    usage,
  };
}

const CHARS_PER_TOKEN = 4;
const tokens = (text: string): number => Math.ceil(text.length / CHARS_PER_TOKEN);

/** Nodes of a schema that may be of several types. */
export function unionsIn(schema: unknown): number {
  if (schema === null || typeof schema !== 'object') return 0;
  const node = schema as Readonly<Record<string, unknown>>;
  const own = Array.isArray(node['anyOf']) || Array.isArray(node['type']) ? 1 : 0;
  return Object.values(node).reduce<number>((sum, child) => sum + unionsIn(child), own);
}
