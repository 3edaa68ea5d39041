/** What the free text of a published run tells about its settings and its amount of work. */
export interface Hints {
  readonly checkpointing?: boolean;
  readonly stack?: 'fused' | 'tuned';
  readonly packed: boolean;
  readonly batch?: number;
  readonly accumulation?: number;
  /** Rows of one optimizer step on one device. */
  readonly rowsPerStep?: number;
  readonly steps?: number;
  readonly epochs?: number;
  readonly rows?: number;
  /** Million tokens of the whole run. */
  readonly tokens?: number;
  /** Seconds of sound or of one clip's worth of data in all. */
  readonly soundSeconds?: number;
  readonly clipSeconds?: number;
  readonly width?: number;
  readonly height?: number;
  readonly frames?: number;
  readonly bits?: 4 | 8;
  readonly rank?: number;
  readonly targets?: 'all' | 'attention';
  readonly offload: boolean;
  /** One copy of the model over several GPUs that work one after the other. */
  readonly pipeline: boolean;
  readonly encodersLoaded: boolean;
  readonly adam8bit: boolean;
  readonly pureBf16: boolean;
  readonly fp32: boolean;
  readonly loss?: 'autocast' | 'half' | 'chunked';
  readonly released: boolean;
  readonly mixedRows: boolean;
  /** The figure is what tensors took, without context and unused blocks. */
  readonly allocated: boolean;
}

const NO_CHECKPOINTING =
  /(no|without|w\/o)[ -](act(ivation)?|grad(ient)?)?[ -]?(ckpt|checkpoint\w*)|(ckpt|checkpoint\w*)[: =]*(off|disabled|false)/i;
const CHECKPOINTING = /act(ivation)?[ -]?(ckpt|checkpoint)|grad(ient)?[ -]?(ckpt|checkpoint)|checkpointing|\bckpt\b/i;
const FUSED = /unsloth|liger/i;
const TUNED =
  /llm-?foundry|mosaic|torchtitan|torchtune|megatron|nemo|nanotron|fms|\bhsdp\b|fsdp (pure |amp_)?bf16|\bcompiled?\b|pretrain/i;

/** Reads a note. Nothing in it is required. */
export function hintsOf(note: string): Hints {
  const text = note.replaceAll(/(\d),(?=\d{3})/g, '$1');
  const size = /(\d{3,4})\s*[x×]\s*(\d{3,4})/.exec(text);
  const square = /(?<![\d.k])(256|384|512|640|768|1024|1280|1536|2048)\s*(px|pixels|²|\b)/.exec(
    text.replaceAll(/seq(_len)?\s*\d+/gi, ''),
  );
  const lines = /\b(240|360|480|540|720|1080)p\b/.exec(text);
  const [height, width] =
    size === null ? [first(lines) ?? first(square), undefined] : [Number(size[1]), Number(size[2])];
  return {
    ...optional('checkpointing', NO_CHECKPOINTING.test(text) ? false : CHECKPOINTING.test(text) ? true : undefined),
    ...optional('stack', FUSED.test(text) ? ('fused' as const) : TUNED.test(text) ? ('tuned' as const) : undefined),
    packed: /pack(ed|ing)/i.test(text) && !/unpack|no pack|without pack/i.test(text),
    ...optional('batch', count(/\b(?:bs|batch(?: size)?|micro-?batch)\s*[=:]?\s*(\d+)/i, text)),
    ...optional(
      'accumulation',
      count(/\b(?:ga|grad(?:ient)?[ _-]acc\w*|accumulat\w*)(?: steps)?\s*[=:]?\s*(\d+)/i, text),
    ),
    ...optional('rowsPerStep', count(/(\d+)\s*(?:seq|row|sample)\w*\s*(?:per|a|\/)\s*(?:iter|step)/i, text)),
    ...optional('steps', scaled(/(\d+(?:\.\d+)?)\s*([km])?[ -]?(?:optimizer |training )?steps/i, text)),
    ...optional('epochs', count(/(\d+)\s*[x×]?\s*epochs?/i, text)),
    ...optional(
      'rows',
      scaled(
        /(\d+(?:\.\d+)?)\s*([km])?\s*(?:training |instruction |preference |image[- ]text )?(?:samples|rows|examples|pairs|images|pictures|photos|tracks|songs|clips|videos|prompts|conversations|instructions|utterances)\b/i,
        text,
      ),
    ),
    ...optional('tokens', millions(/(\d+(?:\.\d+)?)\s*([kmbt])\s*tokens/i, text)),
    ...optional('soundSeconds', sound(text)),
    ...optional(
      'clipSeconds',
      count(/(?:clips|samples|tracks|songs|utterances) of (\d+) ?s\b/i, text) ??
        count(/(\d+)[ -]s(?:econds?)? clips/i, text),
    ),
    ...optional('height', height),
    ...optional('width', width),
    ...optional('frames', count(/(\d+)\s*frames/i, text)),
    ...optional(
      'bits',
      /4-?bit|\bint4\b|\bnf4\b|qlora/i.test(text)
        ? (4 as const)
        : /8-?bit (?:base|model|weights)|\bint8\b/i.test(text)
          ? (8 as const)
          : undefined,
    ),
    ...optional('rank', count(/\br(?:ank)?\s*=?\s*(\d+)\b/i, text)),
    ...optional(
      'targets',
      /attention only|q_proj|c_attn|qkv only/i.test(text)
        ? ('attention' as const)
        : /all linear/i.test(text)
          ? ('all' as const)
          : undefined,
    ),
    offload: /offload|paged optimizer/i.test(text),
    pipeline: /device_map|pipeline|model parallel/i.test(text),
    encodersLoaded: /encoders? loaded|without precomput|not cached/i.test(text),
    adam8bit: /8-?bit adam|adam\w* ?8-?bit|paged 8-?bit/i.test(text),
    pureBf16: /pure bf16/i.test(text),
    fp32: /\bfp32\b/i.test(text),
    ...optional('loss', lossOf(text)),
    released: /optimizer in (the )?backward|in-backward/i.test(text),
    mixedRows: /mixed length/i.test(text),
    allocated: /\ballocated\b/i.test(text),
  };
}

function lossOf(text: string): Hints['loss'] {
  if (/chunked (loss|cross)/i.test(text)) return 'chunked';
  return /fp16 loss/i.test(text) ? 'half' : /autocast loss/i.test(text) ? 'autocast' : undefined;
}

/** "100 h of audio", "27 min audio", "10-20 min of audio": the middle, in seconds. */
function sound(text: string): number | undefined {
  const match =
    /(\d+(?:\.\d+)?)(?:\s*(?:-|–|to)\s*(\d+(?:\.\d+)?))?\s*(h|hours?|hrs?|min|minutes?)\b\s*(?:of )?(?:single-speaker |clean )?(?:audio|speech|music|voice|sound|recordings|data)/i.exec(
      text,
    );
  if (match === null) return undefined;
  const low = Number(match[1]);
  const high = match[2] === undefined ? low : Number(match[2]);
  return ((low + high) / 2) * (match[3]?.toLowerCase().startsWith('h') ? 3600 : 60);
}

function first(match: RegExpExecArray | null): number | undefined {
  return match === null ? undefined : Number(match[1]);
}

function count(pattern: RegExp, text: string): number | undefined {
  return first(pattern.exec(text));
}

function scaled(pattern: RegExp, text: string): number | undefined {
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const unit = match[2]?.toLowerCase();
  return Number(match[1]) * (unit === 'k' ? 1e3 : unit === 'm' ? 1e6 : 1);
}

function millions(pattern: RegExp, text: string): number | undefined {
  const match = pattern.exec(text);
  if (match === null) return undefined;
  return Number(match[1]) * ({ k: 1e-3, m: 1, b: 1e3, t: 1e6 }[match[2]?.toLowerCase() ?? 'm'] ?? 1);
}

function optional<K extends string, V>(key: K, value: V | undefined): { readonly [key in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [key in K]: V });
}
