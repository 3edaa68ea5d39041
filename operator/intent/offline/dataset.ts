import { NUMBER, toNumber } from './numbers.ts';

export interface DatasetWords {
  /** As written: "3000 images". */
  readonly size: string | null;
  /** The number, where the size counts examples. */
  readonly rows: number | null;
  /** Hours of recordings, where the size is a length. */
  readonly hours: number | null;
  readonly hint: string | null;
  readonly uris: readonly string[];
}

const COUNTED = String.raw`(?:(?!(?:hours?|hrs?|horas?|heures?|stunden?|minut\w*|min\w*|seconds?|days?|weeks?|months?|gb|mb|tb|of|per|a|for|to|and|or|dollars?|bucks|euros?|steps?|epochs?|gpus?|x|b|param\w*)\s)[a-zà-ÿ&-]+\s+){0,3}(?:images?|photos?|pictures?|pics|drawings?|paintings?|illustrations?|selfies|rows|examples?|samples?|pairs?|records?|lines|entries|documents?|docs|tickets?|emails?|articles?|conversations?|dialogs?|dialogues?|chats?|messages?|reviews?|questions?|answers?|faqs?|prompts?|clips?|videos?|songs?|tracks?|recordings?|invoices?|receipts?|memes?|screenshots?|sentences?|functions?|files|queries|pages|stories|reports?|solutions?|problems?|transcripts?|scans?|charts?|posts?|abstracts?|bilder?|fotos?|beispiele?n?|zeilen|paare|dokumente|ejemplos|imagenes|filas|preguntas|exemples|lignes|paires|张(?:图片|照片|图)?|条|对|个样本|段|首|篇|幅|万条|段对话|件|枚|組|本|曲|बातचीत|उदाहरण|तस्वीर\S*|पेंटिंग|सवाल|chats?|convos?|sawaal\w*|files|rows|utterances|ratings|letters?|pages|modules?|traces?|listings?|cases?|illustrations?|headlines?|issues?|snippets?|novels?|poems?|cuadros|tableaux|enregistrements|conversaciones|documentos|aufnahmen|gesprache|dialoge|anfragen|mails?|phrases|avis|clips)`;
const MEASURED =
  '(?:hours?|hrs?|minutes?|mins?|gb|mb|tb|gigabytes?|megabytes?|stunden|minuten|horas|minutos|heures|小时|分钟|tokens?)';

const SIZE = new RegExp(
  String.raw`(?:~|about |around |some |roughly |approx\w* |ca\.? |etwa |unos |environ |over |more than )?(?<n>${NUMBER})(?:\s?(?:-|–|to|bis)\s?(?<m>${NUMBER}))?\s*(?<what>${COUNTED}|${MEASURED})(?![a-z])`,
  'g',
);

const OWN_DATA =
  /(?:our|my|own|company'?s?|internal|private|unser\w*|mein\w*|eigen\w*|nuestr\w+|mis?|notre|nos|mes|我们的|我的|自己的)\s?(?:own |internal |private |past |old |existing )?((?:[a-zà-ÿ&-]+ ){0,2}(?:tickets?|documents?|docs|data\w*|dataset|emails?|articles?|faqs?|recordings?|photos?|images?|pictures?|drawings?|clips|videos?|songs?|code|codebase|repos?\w*|logs?|transcripts?|reviews?|manuals?|notes?|chats?|conversations?|invoices?|handbook|wiki|knowledge base|questions?|answers?|stories|reports?|contracts?|prompts?|memes?|screenshots?|catalog|warehouse|bilder|daten|fotos|dokumente|datos|documentos|donnees)\b)/;

const OPEN_DATA = /(?:s3|https|pvc|hf):\/\/[^\s"'<>()，。]+[^\s"'<>()，。.,;:!?]/g;
const HUB_PAGE = /huggingface\.co\/datasets\/([\w.-]+\/[\w.-]+)/g;
const HUB_NAME =
  /(?:dataset|datasets|data set|on|use|using)\s+["'`]?([A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*)["'`]?(?=\s+(?:dataset|data set|from the hub|on the hub)|[\s.,;]|$)/g;

/** What the text says about its training data. `text` keeps its case: addresses need it. `folded` is the same, folded. */
export function readDataset(text: string, folded: string): DatasetWords {
  const lower = folded;
  const sizes = [...lower.matchAll(SIZE)].filter((match) => !isDeadline(lower, match) && !isMemory(lower, match));
  const counted = sizes.find(({ groups }) => new RegExp(`^${COUNTED}$`).test(groups?.['what'] ?? ''));
  const chosen = counted ?? sizes[0];
  const number = counted === undefined ? undefined : toNumber(counted.groups?.['m'] ?? counted.groups?.['n'] ?? '');
  return {
    size: chosen === undefined ? null : chosen[0].trim(),
    rows:
      number === undefined || number < 1 || counted === undefined || isUse(lower, counted) ? null : Math.floor(number),
    hours: hoursOf(sizes),
    hint: OWN_DATA.exec(lower)?.[0] ?? chosen?.[0].trim() ?? null,
    uris: readUris(text),
  };
}

function readUris(text: string): readonly string[] {
  const pages = [...text.matchAll(HUB_PAGE)].map(([, name]) => `hf://datasets/${name}`);
  const plain = [...text.matchAll(OPEN_DATA)]
    .map(([uri]) => uri)
    .filter((uri) => !uri.includes('huggingface.co/') && looksLikeData(uri));
  const names = [...text.matchAll(HUB_NAME)].map(([, name]) => `hf://datasets/${name}`);
  return [...new Set([...plain, ...pages, ...(pages.length + plain.length > 0 ? [] : names)])];
}

/** An https address of a page is not data; a file or an object store is. */
function looksLikeData(uri: string): boolean {
  return !uri.startsWith('https://') || /\.(?:jsonl?|csv|parquet|zip|tar|gz|tgz|txt)(?:$|[?#])/.test(uri);
}

/** "One 24 GB card" is no data. */
function isMemory(text: string, match: RegExpExecArray): boolean {
  if (!/^(?:gb|gigabytes?)$/.test(match.groups?.['what'] ?? '')) return false;
  const end = match.index + match[0].length;
  if (
    /^[\s-]*(?:of |of gpu |de |d')?(?:[a-z\d]+ )?(?:gpu|v?ram|cards?|karten?|grafik\w*|memory|video memory|carte|tarjeta|m[eé]moire|memoria|speicher|laptop|mac\w*|machine|显存|显卡|卡|内存|メモリ)/.test(
      text.slice(end, end + 28),
    )
  )
    return true;
  const before = text.slice(Math.max(0, match.index - 24), match.index);
  return /(?:v?ram|gpus?|cards?|karten?|grafikspeicher|rtx|\d{2}[6789]0(?: ti)?|[abhlt]\d{1,3}0?|显存|显卡)\D{0,8}$/.test(
    before,
  );
}

/** "within 12 hours" is no data; "3,000 hours of recordings" is. */
function isDeadline(text: string, match: RegExpExecArray): boolean {
  if (!/hour|hr|min|stunde|hora|heure|小时|分钟/.test(match.groups?.['what'] ?? '')) return false;
  const end = match.index + match[0].length;
  if (/^ (?:of|von|de|d'|audio|video|clean|recorded)/.test(text.slice(end, end + 12))) return false;
  const before = text.slice(Math.max(0, match.index - 24), match.index);
  return /within|\bin |at most|max\w*|no more than|less than|under|done|finish\w*|takes?|hochstens|innerhalb|maximo|moins de|最多/.test(
    before,
  );
}

/** Numbers that count what the model will serve, not what it learns from. */
function isUse(text: string, match: RegExpExecArray): boolean {
  const end = match.index + match[0].length;
  return /^ (?:a|per|each|every) (?:day|week|month|hour|minute)/.test(text.slice(end, end + 14));
}

function hoursOf(sizes: readonly RegExpExecArray[]): number | null {
  for (const { groups } of sizes) {
    const value = toNumber(groups?.['m'] ?? groups?.['n'] ?? '');
    if (value === undefined) continue;
    if (/^(?:hours?|hrs?|stunden|horas|heures|小时)$/.test(groups?.['what'] ?? '')) return value;
    if (/^(?:min\w*|分钟)$/.test(groups?.['what'] ?? '')) return value / 60;
  }
  return null;
}
