import type { Resources } from '../backend.ts';
import { MARK_DIRECTORY, MARK_ID } from './layout.ts';

// Selected, not inherited: the operator's environment holds its own keys, which the trainer must never see.
const NAMES = new Set([
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'LANG',
  'TZ',
  'TMPDIR',
  'LD_LIBRARY_PATH',
  'DYLD_LIBRARY_PATH',
  'REQUESTS_CA_BUNDLE',
  'CURL_CA_BUNDLE',
  'CUDA_VISIBLE_DEVICES',
  'CUDA_HOME',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
]);
const PREFIXES = [
  'LC_',
  'XDG_',
  'SSL_CERT_',
  'HF_',
  'PIP_',
  'UV_',
  'NVIDIA_',
  'KRIPTIK_TRAINER_',
  'PYENV_',
  'VIRTUAL_ENV',
];

/** Environment of the trainer and of all its descendants. */
export const trainerEnvironment = (
  from: Record<string, string | undefined>,
  extra: Record<string, string>,
  instance: { id: string; directory: string; processes?: number; masterPort?: number },
  resources: Resources,
): Record<string, string> => {
  const chosen: Record<string, string> = {};
  for (const [name, value] of Object.entries(from)) {
    if (value !== undefined && (NAMES.has(name) || PREFIXES.some((prefix) => name.startsWith(prefix)))) {
      chosen[name] = value;
    }
  }
  const threads = resources.cpus === undefined ? undefined : String(resources.cpus);
  return {
    ...chosen,
    // Lines reach the log as they are printed.
    PYTHONUNBUFFERED: '1',
    // A library that counts the machine's cores would start more threads than the attempt may use.
    ...(threads === undefined
      ? {}
      : { OMP_NUM_THREADS: threads, MKL_NUM_THREADS: threads, OPENBLAS_NUM_THREADS: threads }),
    ...extra,
    // The trainer starts them itself, one a GPU.
    ...(instance.processes === undefined ? {} : { KRIPTIK_PROCESSES: String(instance.processes) }),
    ...(instance.masterPort === undefined ? {} : { KRIPTIK_MASTER_PORT: String(instance.masterPort) }),
    [MARK_ID]: instance.id,
    [MARK_DIRECTORY]: instance.directory,
  };
};
