/** Remedies for failures whose own text says only what happened. */
const REMEDIES: readonly { readonly pattern: RegExp; readonly remedy: (directory: string) => string }[] = [
  {
    pattern: /ENOSPC|EDQUOT|no space left on device|disk quota exceeded/i,
    remedy: (directory) =>
      `The disk that holds ${directory} is full: a control plane needs about 200 MB. Free some space, or set TMPDIR to a folder on another disk.`,
  },
  {
    pattern: /EACCES|EROFS|permission denied|read-only file system/i,
    remedy: (directory) =>
      `This user may not write to ${directory}, or not run the programs. Set TMPDIR or KRIPTIK_CACHE.`,
  },
  {
    pattern: /exec format error|ENOEXEC/i,
    remedy: () => 'A program was built for another kind of machine: unset KUBEBUILDER_ASSETS, or empty the cache.',
  },
  {
    pattern: /too many open files|EMFILE/i,
    remedy: () => 'Too many files are open: raise the limit (`ulimit -n 4096`).',
  },
];

/** The error for a control plane that did not start, with the place of its logs and, where one is known, a remedy. */
export function startFailure(error: unknown, directory: string, logs: string): Error {
  const message = error instanceof Error ? error.message : String(error);
  const remedy = REMEDIES.find(({ pattern }) => pattern.test(message))?.remedy(directory);
  const lines = [`The control plane did not start: ${message}`, ...(remedy ? [remedy] : []), `All logs: ${logs}`];
  return new Error(lines.join('\n'), { cause: error });
}
