/** ANSI styling that can be switched off as a whole. */

const CODES = {
  bold: [1, 22],
  dim: [2, 22],
  underline: [4, 24],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  blue: [34, 39],
  magenta: [35, 39],
  cyan: [36, 39],
} as const;

type StyleName = keyof typeof CODES;

export type Style = Readonly<Record<StyleName, (text: string) => string>> & {
  readonly color: boolean;
  /** Whether block and line drawing characters may be used. */
  readonly unicode: boolean;
};

/** Builds a style; without colour each function returns its text unchanged. */
export function makeStyle(options: { readonly color: boolean; readonly unicode: boolean }): Style {
  const paint =
    (name: StyleName) =>
    (text: string): string => {
      if (!options.color || text === '') return text;
      const [open, close] = CODES[name];
      return `\u001b[${open}m${text}\u001b[${close}m`;
    };
  return {
    ...options,
    bold: paint('bold'),
    dim: paint('dim'),
    underline: paint('underline'),
    red: paint('red'),
    green: paint('green'),
    yellow: paint('yellow'),
    blue: paint('blue'),
    magenta: paint('magenta'),
    cyan: paint('cyan'),
  };
}

export const plainStyle: Style = makeStyle({ color: false, unicode: true });

interface Terminal {
  readonly isTTY: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Colour only for a person: a terminal, not `TERM=dumb`, no `NO_COLOR` (https://no-color.org). */
export function wantsColor({ isTTY, env }: Terminal): boolean {
  if ((env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb') return false;
  return isTTY || (env['FORCE_COLOR'] ?? '0') !== '0';
}

/** Block characters where the locale is UTF-8 or not stated; never on the Linux console or a dumb terminal. */
export function wantsUnicode({ env }: Pick<Terminal, 'env'>): boolean {
  if (env['TERM'] === 'dumb' || env['TERM'] === 'linux') return false;
  const locale = [env['LC_ALL'], env['LC_CTYPE'], env['LANG']].find((value) => value !== undefined && value !== '');
  return locale === undefined || /utf-?8/i.test(locale);
}

/** Colour of a phase: green for what is well, yellow for what waits for a person, red for what failed. */
export function phaseStyle(style: Style, phase: string): (text: string) => string {
  if (['Succeeded', 'Running', 'Training', 'Approved', 'Ready'].includes(phase)) return style.green;
  if (['Failed', 'Denied', 'Refused', 'Blocked'].includes(phase)) return style.red;
  if (['Frozen', 'Freezing', 'Paused', 'Pausing', 'AwaitingApproval', 'NeedsClarification'].includes(phase)) {
    return style.yellow;
  }
  return style.cyan;
}
