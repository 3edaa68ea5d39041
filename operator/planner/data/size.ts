import type { Contract, Modality } from '@kriptik/crds';

/** A stated amount of data that is not a count of examples. */
export interface StatedAmount {
  readonly minutes?: number;
  readonly bytes?: number;
}

/** Seconds of a training clip: what speech and music trainers usually cut recordings into. */
const CLIP_SECONDS: Readonly<Partial<Record<Modality, number>>> = { audio: 10, video: 5 };
const MUSIC_CLIP_SECONDS = 30;
/** Characters of one token of prose or code, and tokens that one row of plain text holds. */
const BYTES_PER_TOKEN = 4;
const TEXT_ROW_TOKENS = 1024;

const NUMBER = String.raw`(\d{1,3}(?:[,.]\d{3})+|\d+(?:\.\d+)?)\s?(k)?`;
const RECORDED =
  "(?:of |von |de |d'|clean |pure |audio|record|voice|speech|sing|vocal|music|multitrack|song|podcast|video|footage|her |his |my |our |licensed |studio |aufnahme|material|grabacion|de l|的)";
const TIME = new RegExp(
  `${NUMBER}[\\s-]?(hours?|hrs?|h|minutes?|mins?|min|stunden?|minuten|horas?|minutos?|heures?|小时|分钟)\\s?${RECORDED}`,
  'i',
);
const VOLUME = new RegExp(`${NUMBER}\\s?(mb|gb|tb|megabytes?|gigabytes?)\\s(?:of|von|de|worth)`, 'i');

/** "45 mins clean audio" and "400MB of code", read from the words about the data and then from the whole goal. */
export function statedAmount({ datasetHint, goalText }: Pick<Contract, 'datasetHint' | 'goalText'>): StatedAmount {
  for (const text of [datasetHint ?? '', goalText]) {
    const time = TIME.exec(text);
    if (time !== null) {
      const unit = (time[3] ?? '').toLowerCase();
      const inHours = /^(?:h|stund|hora|heure|小时)/.test(unit);
      return { minutes: value(time) * (inHours ? 60 : 1) };
    }
    const volume = VOLUME.exec(text);
    if (volume !== null) {
      const scale = { m: 1e6, g: 1e9, t: 1e12 }[(volume[3] ?? '').toLowerCase().charAt(0)] ?? 1;
      return { bytes: value(volume) * scale };
    }
  }
  return {};
}

/** Examples that an amount makes: clips of the usual length, or rows of plain text. */
export function rowsFrom(amount: StatedAmount, modality: Modality, music: boolean): number | undefined {
  const clip = music ? MUSIC_CLIP_SECONDS : CLIP_SECONDS[modality];
  if (amount.minutes !== undefined && clip !== undefined) return Math.max(1, Math.round((amount.minutes * 60) / clip));
  if (amount.bytes !== undefined && (modality === 'llm' || modality === 'code')) {
    return Math.max(1, Math.round(amount.bytes / BYTES_PER_TOKEN / TEXT_ROW_TOKENS));
  }
  return undefined;
}

function value(match: RegExpExecArray): number {
  const [, digits = '0', thousand] = match;
  const plain = /[,.]\d{3}(?:\D|$)/.test(digits) ? digits.replaceAll(/[,.]/g, '') : digits;
  return Number(plain) * (thousand === undefined ? 1 : 1000);
}
