import { join } from 'node:path';
import { misconfigured } from '../errors.ts';

/** Variables in the environment of every process of an attempt; /proc/<pid>/environ tells by them whose it is. */
export const MARK_ID = 'KRIPTIK_INSTANCE';
export const MARK_DIRECTORY = 'KRIPTIK_INSTANCE_DIRECTORY';

/** A directory being filled; only the rename to its name makes it an attempt. */
export const TEMPORARY_PREFIX = '.new-';

/** Files of one attempt. `supervisor.py` uses the same names. */
export type Layout = {
  directory: string;
  launch: string;
  spec: string;
  token: string;
  port: string;
  deadline: string;
  claimBy: string;
  claim: string;
  stop: string;
  exit: string;
  released: string;
  log: string;
  olderLog: string;
  supervisorLog: string;
};

export const instancesDirectory = (root: string): string => join(root, 'instances');

/** Paths of the attempt `name`. Refuses names that could leave the directory. */
export const layoutOf = (root: string, name: string): Layout => {
  if (!/^[a-z0-9]([a-z0-9.-]{0,198}[a-z0-9])?$/.test(name)) {
    throw misconfigured(
      `"${name}" is not a name for an attempt`,
      'Use lower-case letters, digits, "-" and ".", at most 200.',
    );
  }
  return layoutIn(join(instancesDirectory(root), name));
};

export const layoutIn = (directory: string): Layout => {
  const at = (file: string): string => join(directory, file);
  return {
    directory,
    launch: at('launch.json'),
    spec: at('spec.json'),
    token: at('token'),
    port: at('port.json'),
    deadline: at('deadline.json'),
    claimBy: at('claim-by.json'),
    claim: at('supervisor.json'),
    stop: at('stop.json'),
    exit: at('exit.json'),
    released: at('released.json'),
    log: at('trainer.log'),
    olderLog: at('trainer.log.1'),
    supervisorLog: at('supervisor.log'),
  };
};
