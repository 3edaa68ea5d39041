import { EXIT, type ExitCode } from './exitcodes.ts';
import type { Style } from './render/style.ts';

/** The three things every message tells. */
export interface Fault {
  /** What is wrong, one sentence without a full stop. */
  readonly what: string;
  /** Where: a file and line, a field path, a server, an object. */
  readonly where?: string | undefined;
  /** What to do about it; each entry is one line, commands ready to paste. */
  readonly remedy: readonly string[];
  /** Further findings of the same kind, such as one line per invalid field. */
  readonly details?: readonly string[] | undefined;
}

/** A failure that is ready to be shown, with the exit code it ends the program with. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly code: ExitCode;
  readonly fault: Fault;

  constructor(code: ExitCode, fault: Fault, options?: ErrorOptions) {
    super(fault.what, options);
    this.code = code;
    this.fault = fault;
  }
}

/** Shorthand for a wrong command line. */
export function usageError(what: string, ...remedy: string[]): CliError {
  return new CliError(EXIT.usage, { what, remedy });
}

/** Renders any fault; the only place that decides how an error looks. Ends with a newline. */
export function renderFault(fault: Fault, style: Style): string {
  const lines = [`${style.red(style.bold('error:'))} ${fault.what}`];
  for (const detail of fault.details ?? []) lines.push(`  - ${detail}`);
  if (fault.where !== undefined) lines.push(`  ${style.dim('where:')} ${fault.where}`);
  fault.remedy.forEach((line, index) => {
    lines.push(`  ${style.dim(index === 0 ? 'fix:  ' : '      ')} ${line}`);
  });
  return `${lines.join('\n')}\n`;
}
