/** Exit codes of the trainer process. */
export const EXIT = {
  succeeded: 0,
  frozen: 10,
  stopped: 11,
  inputError: 20,
  outOfMemory: 21,
  diskFull: 22,
  /** The store cannot be reached, nor could the result be written there. The same again may work. */
  storeUnreachable: 23,
  internal: 30,
  /** A process of the run hung or is gone. The same again may work. */
  lost: 31,
} as const;
