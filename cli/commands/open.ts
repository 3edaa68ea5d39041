import type { Command } from 'commander';
import type { Session } from '../session.ts';

/** Opens the session of this run with the options the command line gave. */
export type Open = (command: Command) => Session;
