import type { ExitReason, InstanceExit } from '../backend.ts';
import type { Facts } from './facts.ts';
import { CONTAINER } from './names.ts';
import { type Condition, conditionOf, epochOf, type Pod } from './objects.ts';
import { indexOf, trainerState } from './pods.ts';
import { isQueued, takenBack } from './queue.ts';
import { terminationSummary } from './termination.ts';

/** Signals by number; a container that one ends reports 128 and its number. */
const SIGNALS: Readonly<Record<number, string>> = {
  1: 'SIGHUP',
  2: 'SIGINT',
  3: 'SIGQUIT',
  4: 'SIGILL',
  6: 'SIGABRT',
  7: 'SIGBUS',
  8: 'SIGFPE',
  9: 'SIGKILL',
  11: 'SIGSEGV',
  13: 'SIGPIPE',
  14: 'SIGALRM',
  15: 'SIGTERM',
};

/** Exit code that container runtimes report when a program could not be started at all. */
const START_FAILED = new Set(['StartError', 'ContainerCannotRun']);

/** What a kubelet writes on a pod that it does not run any longer, or never ran. */
const POD_REASONS: Readonly<Record<string, ExitReason>> = {
  Evicted: 'evicted',
  DeadlineExceeded: 'hardDeadline',
  NodeShutdown: 'evicted',
  Shutdown: 'evicted',
  Terminated: 'evicted',
  NodeLost: 'nodeLost',
  Preempting: 'preempted',
  NodeAffinity: 'evicted',
  UnexpectedAdmissionError: 'evicted',
};

/** Who ended a pod, as the cluster marks it. */
const DISRUPTIONS: Readonly<Record<string, ExitReason>> = {
  PreemptionByScheduler: 'preempted',
  EvictionByEvictionAPI: 'evicted',
  DeletionByTaintManager: 'evicted',
  TerminationByKubelet: 'evicted',
  DeletionByPodGC: 'nodeLost',
};

const MESSAGE_LENGTH = 500;

/** How an attempt ended whose pods have all ended. `now` (epoch ms) counts where nothing tells when. */
export const exitOf = (facts: Facts, now: number): InstanceExit => {
  const { pods, record } = facts;
  const culprit = culpritOf(pods);
  const at = endedAt(facts, now);
  const stopped = record?.stoppedAt !== undefined;
  if (culprit === undefined) return withoutPods(facts, at);
  const { code, signal } = codeOf(culprit);
  const found = reasonOf(culprit, facts);
  // What was asked for is the reason, unless the trainer had ended before it was told.
  const told = culprit.metadata.deletionTimestamp !== undefined;
  const reason = stopped && told && (found === 'exited' || found === 'evicted') ? 'terminated' : found;
  // Its pods end before they are gone: then already, its queue has taken its nodes back.
  if (reason === 'exited' && told && isQueued(facts.job) && facts.job?.spec.suspend === true)
    return { ...takenBack(facts, at), code, signal };
  const message = messageOf(culprit, reason, facts);
  return { code, signal, at, reason, ...(message !== undefined && { message }) };
};

const withoutPods = ({ job, record }: Facts, at: number): InstanceExit => {
  const ending = { code: null, signal: null, at };
  if (record?.stoppedAt !== undefined) return { ...ending, reason: 'terminated' };
  const failed = conditionOf(job?.status?.conditions, 'Failed');
  if (failed?.reason === 'DeadlineExceeded') return { ...ending, reason: 'hardDeadline' };
  if (job === undefined) {
    return { ...ending, reason: 'terminated', message: 'its Job was deleted by somebody else' };
  }
  return { ...ending, ...fromJob(failed) };
};

/** What the Job controller says of pods that are not there any more: which rule of the failure policy they met. */
const fromJob = (failed: Condition | undefined): Pick<InstanceExit, 'code' | 'signal' | 'reason' | 'message'> => {
  const said = failed?.message;
  const message = said === undefined ? {} : { message: said.slice(0, MESSAGE_LENGTH) };
  if (failed?.reason !== 'PodFailurePolicy' || said === undefined) {
    const gone = failed?.reason === 'BackoffLimitExceeded';
    return { code: null, signal: null, reason: gone ? 'terminated' : 'neverStarted', ...message };
  }
  if (said.includes('has condition DisruptionTarget'))
    return { code: null, signal: null, reason: 'evicted', ...message };
  const code = /failed with exit code ([0-9]+)/.exec(said)?.[1];
  return { ...codeFrom(code === undefined ? undefined : Number(code)), reason: 'exited', ...message };
};

/** The pod that tells how it ended: the first that failed, else the one with the control server. */
const culpritOf = (pods: readonly Pod[]): Pod | undefined => {
  const failed = pods.filter((pod) => pod.status?.phase === 'Failed');
  const inTime = (pod: Pod): number => finishedAt(pod) ?? Number.POSITIVE_INFINITY;
  return failed.toSorted((a, b) => inTime(a) - inTime(b) || indexOf(a) - indexOf(b))[0] ?? pods[0];
};

const finishedAt = (pod: Pod): number | undefined => epochOf(trainerState(pod).terminated?.finishedAt);

/** When the last of its pods ended, epoch ms. */
const endedAt = ({ pods, job }: Facts, now: number): number => {
  const ends = pods.map((pod) => {
    const disrupted = conditionOf(pod.status?.conditions, 'DisruptionTarget')?.lastTransitionTime;
    return finishedAt(pod) ?? epochOf(pod.metadata.deletionTimestamp) ?? epochOf(disrupted);
  });
  const failed = conditionOf(job?.status?.conditions, 'Failed') ?? conditionOf(job?.status?.conditions, 'Complete');
  const known = ends.filter((at) => at !== undefined);
  if (known.length === pods.length && known.length > 0) return Math.max(...known);
  return epochOf(failed?.lastTransitionTime) ?? now;
};

const codeOf = (pod: Pod): Pick<InstanceExit, 'code' | 'signal'> => {
  const terminated = trainerState(pod).terminated;
  // Invented by the kubelet for a container that it knows nothing of.
  if (terminated === undefined || terminated.reason === 'ContainerStatusUnknown') return { code: null, signal: null };
  return codeFrom(terminated.exitCode, terminated.signal);
};

/** Exit codes above 128 are those of signals. */
const codeFrom = (exitCode: number | undefined, number?: number): Pick<InstanceExit, 'code' | 'signal'> => {
  if (exitCode === undefined) return { code: null, signal: null };
  const signal = SIGNALS[number ?? (exitCode > 128 ? exitCode - 128 : 0)];
  return signal === undefined ? { code: exitCode, signal: null } : { code: null, signal };
};

const reasonOf = (pod: Pod, { job, nodes }: Facts): ExitReason => {
  const terminated = trainerState(pod).terminated;
  if (terminated?.reason === 'OOMKilled') return 'memoryLimit';
  if (START_FAILED.has(terminated?.reason ?? '')) return 'spawnFailed';
  const disrupted = conditionOf(pod.status?.conditions, 'DisruptionTarget');
  if (disrupted?.status === 'True') {
    // Taints of a node that does not answer, or of one that is emptied.
    const gone = pod.spec.nodeName !== undefined && !nodes.has(pod.spec.nodeName);
    const reason = DISRUPTIONS[disrupted.reason ?? ''] ?? 'evicted';
    return disrupted.reason === 'DeletionByTaintManager' && gone ? 'nodeLost' : reason;
  }
  const told = pod.status?.reason === undefined ? undefined : POD_REASONS[pod.status.reason];
  if (told !== undefined) return told;
  // The kubelet turned it away: what it needs was no longer free on that node.
  if (pod.status?.reason?.startsWith('OutOf') === true) return 'evicted';
  const failed =
    conditionOf(job?.status?.conditions, 'Failed') ?? conditionOf(job?.status?.conditions, 'FailureTarget');
  const killed =
    terminated === undefined || codeOf(pod).signal !== null || pod.metadata.deletionTimestamp !== undefined;
  if (failed?.reason === 'DeadlineExceeded' && killed) return 'hardDeadline';
  return terminated === undefined ? 'neverStarted' : 'exited';
};

const messageOf = (pod: Pod, reason: ExitReason, { job }: Facts): string | undefined => {
  const said = lastWordsOf(pod);
  const disrupted = conditionOf(pod.status?.conditions, 'DisruptionTarget');
  const why = disrupted?.message ?? pod.status?.message ?? pod.status?.reason ?? 'no reason was given';
  const byCluster = `pod ${pod.metadata.name} was ended by the cluster: ${why}`.slice(0, MESSAGE_LENGTH);
  const told: Partial<Record<ExitReason, string | undefined>> = {
    memoryLimit: `the kernel ended it because the pod reached its memory limit${limitOf(pod)}; raise kubernetes.resources.memory of the ComputeProvider, or use less`,
    hardDeadline: 'the hard deadline was reached: the cluster ended the Job at its activeDeadlineSeconds',
    spawnFailed: `the container could not be started: ${said ?? 'no reason was given'}`,
    evicted: byCluster,
    preempted: byCluster,
    nodeLost: byCluster,
    neverStarted: conditionOf(job?.status?.conditions, 'Failed')?.message,
  };
  return told[reason] ?? said;
};

/** What the trainer left behind for a person: the error it reports, else the last line of its log. */
const lastWordsOf = (pod: Pod): string | undefined => {
  const text = trainerState(pod).terminated?.message?.trim() ?? '';
  const summary = terminationSummary(text);
  if (summary !== undefined) return summary.error?.message.slice(0, MESSAGE_LENGTH);
  const last = text.split('\n').at(-1)?.trim() ?? '';
  return last === '' ? undefined : last.slice(0, MESSAGE_LENGTH);
};

const limitOf = (pod: Pod): string => {
  const containers = pod.spec['containers'] as
    | { name: string; resources?: { limits?: { memory?: string } } }[]
    | undefined;
  const limit = containers?.find(({ name }) => name === CONTAINER)?.resources?.limits?.memory;
  return limit === undefined ? '' : ` of ${limit}`;
};
