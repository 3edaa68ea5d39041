import { compileWords } from './lexicon.ts';
import { NUMBER, toNumber } from './numbers.ts';

const UNIT: readonly [RegExp, number][] = [
  [/^(?:minute[sn]?|mins?|minuten|minutos?|分钟|分|मिनट|minat)$/, 1 / 60],
  [/^(?:hours?|hrs?|h|stunden?|std|horas?|heures?|小时|个小时|時間|घंटे|घंटा|घंटों|ghante|ghanta)$/, 1],
  [/^(?:days?|tage?n?|dias?|jours?|天|日|日間|दिन|din)$/, 24],
  [/^(?:nights?)$/, 12],
  [/^(?:weeks?|wochen?|semanas?|semaines?|周|个星期|星期|週間|हफ्ते|सप्ताह|hafte|hafta)$/, 168],
  [/^(?:months?|monate?n?|mois|mes|meses|个月|月|ヶ月|か月|महीने|mahine)$/, 720],
];
const UNITS =
  'minuten?|minutes?|mins?|minutos?|分钟|मिनट|minat|hours?|hrs?|h|stunden?|std|horas?|heures?|个小时|小时|時間|घंटों|घंटे|घंटा|ghante|ghanta|days?|tage?n?|dias?|jours?|天|日間|日|दिन|din|nights?|weeks?|wochen?|semanas?|semaines?|周|个星期|星期|週間|हफ्ते|सप्ताह|hafte|hafta|months?|monate?n?|mois|meses|个月|ヶ月|か月|महीने|mahine';
const BEFORE = compileWords(
  "within the next|within|in under|in less than|in at most|in max|in maximum|in|at most|no more than|not more than|no longer than|maximum of|max of|max|maximum|under|less than|(finish/done/ready/trained/complete/completed/finished/over) (in/within/after/before)|deadline is|deadline of|deadline|have|takes at most|take at most|hochstens|innerhalb von|innerhalb|binnen|in maximal|maximal|maximo de|maximo|como maximo|en menos de|en un maximo de|en|en moins de|au plus|sous|不超过|最多|only|up to|bis zu|jusqu'a",
).source;
const AFTER = String.raw`(?:max\b|at most|tops|or less|deadline|limit|以内|之内|内|里|の間に|でお願い|で終|mein|me(?![a-z])|mei|में|के अंदर|ke andar|como mucho|como maximo|maximum|hochstens|au plus|max)`;

const PATTERN = new RegExp(
  `(?:(?<cue>${BEFORE})\\s*)?(?<n>${NUMBER}|an?(?= )|eine[mrn]?(?= )|une?(?= )|una?(?= ))[\\s-]*(?<unit>${UNITS})(?![a-z])\\s*(?<tail>${AFTER})?`,
  'g',
);
/** Lengths of recordings, ages, rates and waiting are no deadlines. */
const NOT_A_DEADLINE =
  /^\s?(?:of|von|de|d'|an? |audio|video|clean|worth|recording|ago|old|long|episodes?|single|multi|studio|stud|labelled|labeled|annot|aufnahm|grabad|transcri|speech|singing|sprach|の音声|の録音|的(?:音频|录音|视频|语音|数据)|की |ki )/;
const DATA_BEFORE = /(?:recorded|got|have|aufgenommen|with|mit|about|of|tengo|j'ai|i own|录了|録音は)\s*$/;
const NIGHT = compileWords(
  'overnight|over night|by tomorrow morning|till morning|tonight|by tonight|this evening|uber nacht|heute nacht|heute abend|bis morgen fruh|cette nuit|ce soir|pendant la nuit|dans la nuit|esta noche|durante la noche|de la noche a la manana|今晚|一晚|一夜|通宵|今夜|一晩|夜間に|翌朝|रात भर|आज रात|raat bhar|aaj raat',
);
const TOMORROW = compileWords(
  "(by|until|before|for) tomorrow|(deadline|due|ready|done|finished|needed) (is |it |)tomorrow|tomorrow (noon|morning|afternoon|evening|night)|bis morgen|morgen (fruh|mittag|abend)|demain (midi|matin|soir)|manana por la (manana|tarde|noche)|明天(早上|中午|晚上|上午|下午)|明日(の朝|の昼|中に)|pour demain|d'ici demain|para manana|明天(之前|前|要)|明日まで|कल तक|kal tak",
);
const NIGHT_HOURS = 12;

/** Hours within which the run must end; null when the folded text sets none. Lengths of recordings are no deadline. */
export function readDeadlineHours(text: string): number | null {
  for (const match of text.matchAll(PATTERN).take(100)) {
    const { cue, n = '', unit = '', tail } = match.groups ?? {};
    if (cue === undefined && tail === undefined) continue;
    const after = text.slice(match.index + match[0].length, match.index + match[0].length + 14);
    const before = text.slice(Math.max(0, match.index - 16), match.index);
    if (NOT_A_DEADLINE.test(after) || (tail === undefined && DATA_BEFORE.test(before + (cue === 'have' ? 'have' : ''))))
      continue;
    if (cue !== undefined && tail === undefined && /^(?:in|en|have|only)$/.test(cue.trim()) && /^(?:日|月)$/.test(unit))
      continue;
    const value = /^[a-z]/.test(n) ? 1 : toNumber(n);
    const factor = UNIT.find(([pattern]) => pattern.test(unit))?.[1];
    if (value !== undefined && factor !== undefined && value > 0) return value * factor;
  }
  if (NIGHT.test(text)) return NIGHT_HOURS;
  return TOMORROW.test(text) ? 24 : null;
}

const MONTHS = [
  'jan(?:uary|uar|vier)?|enero',
  'feb(?:ruary|ruar)?|fevrier|febrero',
  'mar(?:ch|z|s|zo)?|marz',
  'apr(?:il)?|avril|abril',
  'may|mai|mayo',
  'june?|juni|juin|junio',
  'july?|juli|juillet|julio',
  'aug(?:ust)?|aout|agosto',
  'sep(?:t|tember)?|septembre|septiembre',
  'oct(?:ober)?|oktober|octobre|octubre',
  'nov(?:ember)?|novembre|noviembre',
  'dec(?:ember)?|dezember|decembre|diciembre',
];
const MONTH = MONTHS.map((names, index) => `(?<m${index}>${names})`).join('|');
const DAY_FIRST = new RegExp(
  `(?<![\\d])(?<d>\\d{1,2})(?:st|nd|rd|th|\\.)?\\s(?:of |de )?(?:${MONTH})\\.?,?\\s(?:de )?(?<y>\\d{4})(?!\\d)`,
);
const MONTH_FIRST = new RegExp(`(?<![a-z])(?:${MONTH})\\.?\\s(?<d>\\d{1,2})(?:st|nd|rd|th)?,?\\s(?<y>\\d{4})(?!\\d)`);
const NUMERIC = /(?<!\d)(?<y>\d{4})\s?[-/年]\s?(?<mo>\d{1,2})\s?[-/月]\s?(?<d>\d{1,2})(?!\d)/;
const GERMAN = /(?<![\d.])(?<d>\d{1,2})\.(?<mo>\d{1,2})\.(?<y>\d{4})(?!\d)/;
const BY =
  /(?:by|before|until|till|due|deadline|no later than|bis|spatestens|vor dem|avant|d'ici|antes|para el|hasta|之前|前|まで|तक|tak)/;

/** A calendar date that the text names as its deadline, as YYYY-MM-DD; null when there is none. */
export function readDeadlineDate(text: string): string | null {
  for (const pattern of [DAY_FIRST, MONTH_FIRST, NUMERIC, GERMAN]) {
    const match = pattern.exec(text);
    if (match === null) continue;
    const around = text.slice(Math.max(0, match.index - 28), match.index + match[0].length + 8);
    if (!BY.test(around)) continue;
    const groups = match.groups ?? {};
    const month = groups['mo'] ?? MONTHS.findIndex((_, index) => groups[`m${index}`] !== undefined) + 1;
    const date = `${groups['y']}-${String(month).padStart(2, '0')}-${String(groups['d']).padStart(2, '0')}`;
    if (Number.isFinite(Date.parse(`${date}T00:00:00Z`))) return date;
  }
  return null;
}
