import type { Diagnosis } from '../outcome.ts';

/** What a line of a log gives away. */
interface Sign {
  /** As trainers name it, so that the same remedies and the same rules of trying again hold. */
  readonly code: string;
  readonly pattern: RegExp;
  readonly message: string;
  readonly remedy: string;
}

/**
 * Lines that libraries write when they break, and what they mean. Of several the first of this list counts: what the
 * others say follows from it, as a broken connection between processes follows from the memory of one of them.
 */
const SIGNS: readonly Sign[] = [
  {
    code: 'sharedMemoryFull',
    pattern:
      /\bBus error\b|insufficient shared memory \(shm\)|No space left on device.*\/dev\/shm|unable to open shared memory object/i,
    message: 'the shared memory of the container (/dev/shm) ran out: processes that load rows pass them through it',
    remedy: 'mount a memory volume at /dev/shm, raise its size, or load rows with fewer processes',
  },
  {
    code: 'outOfMemory',
    pattern:
      /CUDA out of memory|OutOfMemoryError|CUBLAS_STATUS_ALLOC_FAILED|HIP out of memory|MPS backend out of memory/,
    message: 'the memory of the GPU ran out',
    remedy: 'use a smaller batch, gradient checkpointing, a shorter maxLength or a smaller model',
  },
  {
    code: 'diskFull',
    pattern: /No space left on device|Disk quota exceeded/,
    message: 'a disk is full',
    remedy: 'free some space or raise the quota of the store and of the scratch folder',
  },
  {
    code: 'modelForbidden',
    pattern:
      /GatedRepoError|Access to model .* is restricted|Cannot access gated repo|401 Client Error.*huggingface|403 Client Error.*huggingface/,
    message: 'the model is gated and the token that was given may not read it',
    remedy: 'accept its terms on the Hub with the account of the token, or give a token that may read it in HF_TOKEN',
  },
  {
    code: 'modelMissing',
    pattern:
      /RepositoryNotFoundError|RevisionNotFoundError|EntryNotFoundError|is not a local folder and is not a valid model identifier/,
    message: 'the model, or a file of it, does not exist under the name and revision of the plan',
    remedy: 'check name and revision of the model on the Hub, and approve a plan with one that exists',
  },
  {
    code: 'templateRefused',
    pattern: /jinja2\.exceptions\.|TemplateError|chat_template is not set|does not have a chat template/,
    message: 'the chat template of the model cannot make a text of a row',
    remedy: 'look at the roles and the order of messages in the rows, or choose a model with a chat template',
  },
  {
    code: 'tokenizerUnusable',
    pattern:
      /Can't load tokenizer|Couldn't instantiate the backend tokenizer|Unrecognized tokenizer|data did not match any variant of untagged enum/,
    message: 'the tokenizer of the model cannot be loaded',
    remedy: 'choose a revision of the model with a complete tokenizer, or another model',
  },
  {
    code: 'peerLost',
    pattern:
      /Watchdog caught collective operation timeout|NCCL (?:error|WARN)|ncclSystemError|ncclRemoteError|ncclInternalError|Connection closed by peer|DistBackendError/,
    message: 'the processes of the run lost touch with each other',
    remedy:
      'check that its pods reach each other on every port, and read the log of the first process that ended: kriptik logs',
  },
  {
    code: 'OutOfMemory',
    pattern: /Out of memory: Killed process|oom-kill|Memory cgroup out of memory|MemoryError\b/,
    message: 'the memory of the machine ran out, and the kernel killed the trainer',
    remedy: 'allow more memory in the ComputeProvider, load rows with fewer processes, or use a smaller model',
  },
];

/** Only the end matters: what was told long before the last line was got over. */
const NEAR_END = 200;

/** What the end of a log, without its secrets, says about why an attempt ended; undefined where it says nothing that is known. */
export function readSigns(tail: readonly string[] | undefined): Diagnosis | undefined {
  const lines = tail?.slice(-NEAR_END) ?? [];
  for (const { code, pattern, message, remedy } of SIGNS) {
    const line = lines.findLast((one) => pattern.test(one));
    if (line !== undefined) return { code, message, remedy, evidence: [`the log says: ${line}`] };
  }
  return undefined;
}
