import Anthropic from '@anthropic-ai/sdk';
import { zodOutputFormat } from '@anthropic-ai/sdk/helpers/zod';
import type { Catalog } from '../catalog/catalog.ts';
import { claudeFailure } from './claude-failure.ts';
import { instructions, PROMPT_VERSION, quotedGoal } from './claude-prompt.ts';
import { intentDraft } from './draft-schema.ts';
import { ParserFailure } from './parser-failure.ts';
import type { IntentParser } from './parsers.ts';
import type { IntentDraft, ParsedBy } from './types.ts';
import { addTokens, NO_TOKENS, type Reading, type TokenUsage } from './usage.ts';

/** Time as the parser needs it: to wait before it asks again. */
export interface ClaudeClock {
  now(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export interface ClaudeOptions {
  /** Asked for once a goal; rejects with ParserFailure where there is no key. */
  readonly apiKey: (signal: AbortSignal) => Promise<string>;
  readonly clock: ClaudeClock;
  /** @default claude-opus-4-5 */
  readonly model?: string;
  readonly baseURL?: string;
  /** For one goal in all, whatever is repeated, in milliseconds. @default 60 s */
  readonly timeoutMs?: number;
  /** Of an answer; one that is cut off is asked for once more with four times as many. @default 4096 */
  readonly maxTokens?: number;
}

const DEFAULT_MODEL = 'claude-opus-4-5';
const DEFAULT_URL = 'https://api.anthropic.com';
const DEFAULT_TIMEOUT_MS = 60_000;
const DEFAULT_MAX_TOKENS = 4096;
const CUT_OFF_FACTOR = 4;
/** Calls at most for one answer, and the wait before the second where the service names none. */
const TRIES = 2;
const RETRY_MS = 1_000;

/** An answer's text, checked; never an exception, so that the stop reason and the bill are seen either way. */
type Checked = { readonly draft: IntentDraft } | { readonly wrong: string };

interface Answer {
  readonly stop: string | null;
  readonly checked: Checked | null;
}

/**
 * Reads goals with Claude, as structured output checked again by zod. The goal is data between markers, never an
 * instruction, and the draft has no authority: lock() bounds it like any other. Rejects with ParserFailure on
 * anything but a whole answer of the right shape; what it cost all the same stands in its `reading`.
 */
export function claudeParser(options: ClaudeOptions): IntentParser {
  const model = options.model ?? DEFAULT_MODEL;
  const parsedBy: ParsedBy = { source: 'claude', model, version: PROMPT_VERSION };
  return {
    parsedBy,
    async parse({ goal, catalog }, { signal }) {
      const call = new Call(options, model, await options.apiKey(signal), signal);
      try {
        const draft = await readWith(call, goal.goal, catalog, options.maxTokens ?? DEFAULT_MAX_TOKENS);
        return { draft, reading: call.reading };
      } catch (error) {
        signal.throwIfAborted();
        throw call.failureOf(error).after(call.reading);
      }
    },
  };
}

async function readWith(call: Call, goal: string, catalog: Catalog, maxTokens: number): Promise<IntentDraft> {
  const first = await call.ask(goal, catalog, maxTokens);
  const answer = first.stop === 'max_tokens' ? await call.ask(goal, catalog, maxTokens * CUT_OFF_FACTOR) : first;
  return draftOf(answer);
}

/** The draft of a finished answer. Every other stop reason is a failure of its own. */
function draftOf({ stop, checked }: Answer): IntentDraft {
  const reason = stop ?? 'no stop reason';
  switch (reason) {
    case 'end_turn':
      break;
    case 'refusal':
      throw new ParserFailure('Declined', {
        message: 'the model declined to read this goal',
        remedy: 'Check that the goal is one to train; the rules of the embedded parser judged it',
      });
    case 'max_tokens':
      throw new ParserFailure('CutOff', {
        message: 'the answer was cut off, also at the larger limit',
        remedy: 'Raise KRIPTIK_CLAUDE_MAX_TOKENS, or shorten spec.goal',
      });
    case 'model_context_window_exceeded':
      throw new ParserFailure('TooLong', {
        message: "the goal does not fit into the model's context",
        remedy: 'Shorten spec.goal',
      });
    default:
      // stop_sequence, tool_use and pause_turn: no stop sequence, tool or long turn was asked for.
      throw new ParserFailure('UnexpectedStop', {
        message: `the answer ended with ${reason}`,
        remedy: 'Check that ANTHROPIC_BASE_URL leads to the Messages API',
      });
  }
  if (checked !== null && 'draft' in checked) return checked.draft;
  throw new ParserFailure('UnusableAnswer', {
    message: `the answer has another shape: ${checked?.wrong ?? 'it holds no text'}`,
    remedy: 'Set KRIPTIK_CLAUDE_MODEL to a model that supports structured outputs',
  });
}

/** The calls that read one goal: one deadline, one bill. */
class Call {
  readonly #client: Anthropic;
  readonly #options: ClaudeOptions;
  readonly #model: string;
  readonly #key: string;
  readonly #signal: AbortSignal;
  readonly #deadline: number;
  #calls = 0;
  #tokens: TokenUsage = NO_TOKENS;

  constructor(options: ClaudeOptions, model: string, key: string, signal: AbortSignal) {
    this.#client = new Anthropic({
      apiKey: key,
      // Only what is said here counts, not other variables of the environment.
      authToken: null,
      baseURL: options.baseURL ?? DEFAULT_URL,
      // Repeated here instead, within one deadline.
      maxRetries: 0,
      logLevel: 'off',
    });
    this.#options = options;
    this.#model = model;
    this.#key = key;
    this.#signal = signal;
    this.#deadline = options.clock.now() + (options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  }

  get reading(): Reading {
    return { model: this.#model, calls: this.#calls, tokens: this.#tokens };
  }

  failureOf(error: unknown): ParserFailure {
    return claudeFailure(error, this.#key);
  }

  /** One answer; a fault that may pass is tried again, if the wait fits before the deadline. */
  async ask(goal: string, catalog: Catalog, maxTokens: number): Promise<Answer> {
    const { clock } = this.#options;
    for (let tried = 1; ; tried++) {
      try {
        return await this.#once(goal, catalog, maxTokens);
      } catch (error) {
        this.#signal.throwIfAborted();
        const failure = this.failureOf(error);
        const wait = failure.retryAfterMs ?? RETRY_MS;
        if (!failure.transient || tried >= TRIES || clock.now() + wait >= this.#deadline) throw failure;
        await clock.sleep(wait, this.#signal);
      }
    }
  }

  async #once(goal: string, catalog: Catalog, maxTokens: number): Promise<Answer> {
    const left = Math.max(1, this.#deadline - this.#options.clock.now());
    this.#calls += 1;
    const answer = await this.#client.messages.parse(
      {
        model: this.#model,
        max_tokens: maxTokens,
        system: [{ type: 'text', text: instructions(catalog), cache_control: { type: 'ephemeral' } }],
        messages: [{ role: 'user', content: quotedGoal(goal) }],
        output_config: { format: draftFormat },
      },
      // The client's own limit ends with the headers; the signal holds for the body as well.
      { signal: AbortSignal.any([this.#signal, AbortSignal.timeout(left)]), timeout: left },
    );
    const { usage } = answer;
    this.#tokens = addTokens(this.#tokens, {
      input: usage.input_tokens,
      output: usage.output_tokens,
      cacheRead: usage.cache_read_input_tokens ?? 0,
      cacheWrite: usage.cache_creation_input_tokens ?? 0,
    });
    return { stop: answer.stop_reason, checked: answer.parsed_output };
  }
}

const strictFormat = zodOutputFormat(intentDraft);

/**
 * The schema as the service enforces it. Parsing never throws: the SDK's own would hide the stop reason and the
 * token count of an answer that was cut off or declined.
 */
export const draftFormat = {
  ...strictFormat,
  parse: (text: string): Checked => {
    try {
      return { draft: strictFormat.parse(text) };
    } catch {
      return { wrong: wrongWith(text) };
    }
  },
};

/** What is wrong with an answer: the first field at fault. Quotes nothing of it. */
function wrongWith(text: string): string {
  try {
    const [issue] = intentDraft.safeParse(JSON.parse(text)).error?.issues ?? [];
    return issue === undefined ? 'it cannot be read' : `${issue.path.join('.') || 'the answer'}: ${issue.message}`;
  } catch {
    return 'it is not JSON';
  }
}
