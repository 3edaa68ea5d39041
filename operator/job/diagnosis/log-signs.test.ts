import { describe, expect, it } from 'vitest';
import { readSigns } from './log-signs.ts';

const before = ['{"level": "info", "event": "training"}', 'Traceback (most recent call last):'];

describe('the end of a log', () => {
  it.each([
    ['torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has', 'outOfMemory'],
    ['RuntimeError: CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate(handle)', 'outOfMemory'],
    ['RuntimeError: DataLoader worker (pid 71) is killed by signal: Bus error. It is possible', 'sharedMemoryFull'],
    ['OSError: [Errno 28] No space left on device', 'diskFull'],
    ['huggingface_hub.errors.GatedRepoError: 403 Client Error.', 'modelForbidden'],
    ['huggingface_hub.errors.RepositoryNotFoundError: 404 Client Error.', 'modelMissing'],
    ['OSError: acme/none is not a local folder and is not a valid model identifier listed on', 'modelMissing'],
    ['jinja2.exceptions.TemplateError: Conversation roles must alternate user/assistant', 'templateRefused'],
    ["OSError: Can't load tokenizer for '/models/base'. If you were trying to load it from", 'tokenizerUnusable'],
    ['[rank1]: Watchdog caught collective operation timeout: WorkNCCL(SeqNum=812, OpType=ALLREDUCE', 'peerLost'],
    ['torch.distributed.DistBackendError: NCCL error in: ../ProcessGroupNCCL.cpp:1970', 'peerLost'],
    ['Memory cgroup out of memory: Killed process 71 (python)', 'OutOfMemory'],
  ])('%s: %s', (line, code) => {
    const found = readSigns([...before, line, 'the end']);
    expect(found?.code).toBe(code);
    expect(found?.evidence).toEqual([`the log says: ${line}`]);
    expect(found?.remedy).not.toBe('');
  });

  it('says nothing where nothing that is known stands in it', () => {
    expect(readSigns([...before, 'ValueError: no'])).toBeUndefined();
    expect(readSigns([])).toBeUndefined();
    expect(readSigns(undefined)).toBeUndefined();
  });

  it('names the cause, not what followed from it', () => {
    const found = readSigns([
      'torch.OutOfMemoryError: CUDA out of memory.',
      '[rank0]: torch.distributed.DistBackendError: Connection closed by peer',
    ]);
    expect(found?.code).toBe('outOfMemory');
  });

  it('passes over what was got over long before', () => {
    const since = Array.from({ length: 300 }, (_, step) => `step ${step}`);
    expect(readSigns(['OSError: [Errno 28] No space left on device', ...since])).toBeUndefined();
  });
});
