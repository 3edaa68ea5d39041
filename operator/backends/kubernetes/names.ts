import type { KubeObject } from '../../runtime/types.ts';
import type { LaunchRequest } from '../backend.ts';

const PREFIX = 'training.kriptik.ai';

/** Labels of everything that belongs to an attempt. */
export const LABEL = {
  attempt: `${PREFIX}/attempt`,
  /** Of the Jobs that look into a claim. */
  reader: `${PREFIX}/reader`,
  jobUid: `${PREFIX}/job-uid`,
  provider: `${PREFIX}/provider`,
  /** Of the record that is left of a released attempt, so that its name is never used again. */
  released: `${PREFIX}/released`,
} as const;

export const ANNOTATION = {
  /** Name and namespace of the TrainingJob. */
  job: `${PREFIX}/job`,
  /** RFC 3339: when the Job was made, by the operator's clock. */
  launched: `${PREFIX}/launched-at`,
  /** On the record: uid of the Job that was made. */
  created: `${PREFIX}/created-job`,
  /** RFC 3339: when the end was first asked for. Nothing may be started under the name from then on. */
  stopped: `${PREFIX}/stopped-at`,
  /** RFC 3339: when it first held a node, as far as it was seen. */
  billedFrom: `${PREFIX}/billed-from`,
  /** JSON of the exit, once verified, where neither Job nor pods are left to tell. */
  exit: `${PREFIX}/exit`,
  /** RFC 3339: when the attempt was forgotten. */
  released: `${PREFIX}/released-at`,
} as const;

/** Kueue's label that names the queue. */
export const QUEUE_LABEL = 'kueue.x-k8s.io/queue-name';

/** Set by the Job controller on the pods of an Indexed Job. */
export const INDEX_ANNOTATION = 'batch.kubernetes.io/job-completion-index';
export const JOB_NAME_LABEL = 'batch.kubernetes.io/job-name';

export const CONTAINER = 'trainer';
export const CONTROL_PORT = 8080;
export const MASTER_PORT = 29_500;

/** Where the pods find their files. */
export const PATHS = {
  secret: '/kriptik',
  spec: '/kriptik/spec.json',
  token: '/kriptik/token',
  credentials: '/kriptik/s3',
  hubToken: '/kriptik/hub/token',
  scratch: '/scratch',
  claim: '/store',
  tmp: '/tmp',
  sharedMemory: '/dev/shm',
  port: '/tmp/port.json',
} as const;

/** Keys of the Secret; those with a dot are files in a folder of their own. */
export const SECRET_KEY = {
  spec: 'spec.json',
  token: 'token',
  accessKeyId: 's3.accessKeyId',
  secretAccessKey: 's3.secretAccessKey',
  sessionToken: 's3.sessionToken',
  hubToken: 'hub.token',
} as const;

/** User and group of every container; the image needs no entry for it. */
export const USER = 65_532;

/** Labels by which everything of one attempt is found. */
export const labelsOf = (name: string, job: LaunchRequest['job'], provider: string): Record<string, string> => ({
  'app.kubernetes.io/name': 'kriptik-trainer',
  'app.kubernetes.io/managed-by': 'kriptik',
  [LABEL.attempt]: name,
  [LABEL.jobUid]: job.uid,
  [LABEL.provider]: provider,
});

export const selectorOf = (name: string): string => `${LABEL.attempt}=${name}`;
export const providerSelector = (provider: string): string => `${LABEL.provider}=${provider}`;
/** What only says that a name was used. */
export const releasedRecords = (provider: string): string => `${LABEL.provider}=${provider},${LABEL.released}`;
/** Also leaves out what only says that a name was used. */
export const openRecords = (provider: string): string => `${LABEL.provider}=${provider},!${LABEL.released}`;

/** Whether an object of the attempt's name was made for something else. */
export const isForeign = ({ metadata }: KubeObject, name: string, jobUid?: string): boolean =>
  metadata.labels?.[LABEL.attempt] !== name || (jobUid !== undefined && metadata.labels[LABEL.jobUid] !== jobUid);
