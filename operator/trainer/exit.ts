/** Exit codes of the trainer process. */
export const EXIT = {
  succeeded: 0,
  frozen: 10,
  stopped: 11,
  inputError: 20,
  outOfMemory: 21,
  diskFull: 22,
  internal: 30,
} as const;
