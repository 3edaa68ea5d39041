import { type DestinationStream, type Logger, pino } from 'pino';

export type { Logger } from 'pino';

/** Keys whose values never reach a log, at the top of a record and one or two levels down. */
const SECRET_KEYS = [
  'authorization',
  'Authorization',
  'token',
  'accessToken',
  'access_token',
  'bearerToken',
  'password',
  'secret',
  'apiKey',
  'api_key',
  'privateKey',
  'clientKeyData',
  'client-key-data',
  'keyData',
  'key_data',
  'stringData',
  'credentials',
];

const quote = (key: string): string => (/^[A-Za-z_]\w*$/.test(key) ? `.${key}` : `["${key}"]`);

const REDACTED_PATHS = SECRET_KEYS.flatMap((key) => {
  const step = quote(key);
  return [step.replace(/^\./, ''), `*${step}`, `*.*${step}`, `*.*.*${step}`];
});

/** Credentials that slipped into free text: bearer tokens, JWTs, key blocks, user:password in an address. */
const SECRET_TEXT: readonly [RegExp, string][] = [
  [/\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}/gi, '$1 [redacted]'],
  [/\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*/g, '[redacted]'],
  [/\b(?:sk-|hf_|ghp_|gho_|ghs_|github_pat_|rpa_|xox[abp]-|AKIA)[A-Za-z0-9_-]{8,}/g, '[redacted]'],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[^"]*/g, '[redacted]'],
  [/(:\/\/[^\s/:@]+:)[^\s/@]+@/g, '$1[redacted]@'],
  [/\b(token|password|secret|api[_-]?key)=[^\s&"']+/gi, '$1=[redacted]'],
];

/** Replaces anything in `text` that looks like a credential. */
export function redactText(text: string): string {
  return SECRET_TEXT.reduce((out, [pattern, replacement]) => out.replace(pattern, replacement), text);
}

export interface LoggerOptions {
  readonly level?: string;
  readonly name?: string;
  readonly destination?: DestinationStream;
}

/** JSON-lines logger that redacts credentials by key and, in every string it writes, by shape. */
export function createLogger({ level = 'info', name, destination }: LoggerOptions = {}): Logger {
  const options = {
    level,
    ...(name === undefined ? {} : { name }),
    redact: { paths: REDACTED_PATHS, censor: '[redacted]' },
    timestamp: pino.stdTimeFunctions.isoTime,
    hooks: { streamWrite: redactText },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

/** A logger that writes nothing. */
export function silentLogger(): Logger {
  return pino({ level: 'silent' });
}
