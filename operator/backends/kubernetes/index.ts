import { getOrUndefined } from '../../runtime/apply.ts';
import type { KubeClient } from '../../runtime/rest.ts';
import { trainerSpec } from '../../trainer/spec.ts';
import type {
  Backend,
  Instance,
  InstanceExit,
  KeepsNames,
  LaunchRequest,
  LogOptions,
  MovesHardDeadline,
  RecoversToken,
  RenewsQueued,
  StreamsLogs,
} from '../backend.ts';
import { misconfigured, outcomeUnknown } from '../errors.ts';
import { clientsOf, look } from './cluster.ts';
import { moveHardDeadline, renewSpec } from './deadline.ts';
import { graceSecondsOf } from './desired.ts';
import { endAttempt, type Parts, removeAttempt } from './end.ts';
import { endpointOf } from './endpoint.ts';
import type { Facts } from './facts.ts';
import { explain } from './failures.ts';
import { forgetNames } from './forget.ts';
import { checkRequest, createAttempt, type Made, takeName, undoAttempt } from './launch.ts';
import { podLogs } from './logs.ts';
import { Memory, type PodChanges } from './memory.ts';
import { isForeign, SECRET_KEY } from './names.ts';
import type { Secret } from './objects.ts';
import { instanceOf, isLeavingOnly, leftOver, type View } from './observe.ts';
import { factsOfAll, Places } from './places.ts';
import { leaderOf } from './pods.ts';
import { probeCluster } from './probe.ts';
import { runsAgain, takenBack, unnotedStart, wasTakenBack } from './queue.ts';
import { billedPatch, exitPatch, lifeOf } from './record.ts';
import { type KubernetesSettings, NO_SHAPE } from './settings.ts';
import { wantedOf } from './wanted.ts';

export type KubernetesBackend = Backend & StreamsLogs & RecoversToken & MovesHardDeadline & RenewsQueued & KeepsNames;

/** Beyond the pods' grace: for the Job controller, the kubelet and the looks that verify it. */
const TEARDOWN_SECONDS = 5;

/** What pods that are killed at once may still run and cost. */
const KILL_MS = 2_000;

/**
 * Runs attempts as Jobs on the nodes of the cluster that `kube` talks to. All state is in the cluster, so any operator
 * knows every attempt, whoever started it. `now` gives epoch ms; `changes` spares looks at what simply runs.
 */
export const createKubernetesBackend = (
  kube: KubeClient,
  settings: KubernetesSettings,
  now: () => number = Date.now,
  changes?: PodChanges,
): KubernetesBackend => {
  const clients = clientsOf(kube);
  const places = new Places(clients, settings.namespace);
  const memory = new Memory(changes, now);
  /** Tokens never change while an attempt lives, and are asked for at every look. */
  const tokens = new Map<string, string>();
  /** What this process made: its release need not look for it. */
  const parts = new Map<string, Parts>();
  /** What was last seen of attempts that ended, until they are released: nothing of it changes any more. */
  const endings = new Map<string, Facts>();

  const viewOf = ({ job }: Facts): View => ({
    wanted: wantedOf(job, settings),
    endpointOf: (pod) => endpointOf(pod, settings.podAccess, kube.server),
    now: now(),
  });

  const factsOf = async (namespace: string, name: string): Promise<Facts> => {
    const facts = await look(clients, namespace, name, (job) => wantedOf(job, settings));
    if (facts.job !== undefined && isForeign(facts.job, name)) {
      throw misconfigured(`Job ${namespace}/${name} exists and is not of this operator`, 'Remove or rename it.');
    }
    return facts;
  };

  /** Looks, and writes down what nothing else will tell later: an end whose evidence is going, a start in a queue. */
  const see = async (namespace: string, name: string): Promise<{ facts: Facts; instance: Instance | undefined }> => {
    const facts = await factsOf(namespace, name);
    const instance = instanceOf(facts, viewOf(facts));
    if (instance?.state === 'exited') endings.set(name, facts);
    if (!hasNews(facts, instance)) return { facts, instance };
    const key = { namespace, name };
    if (isEndToNote(facts, instance)) await clients.records.patch(key, exitPatch(instance.exit));
    const start = unnotedStart(facts);
    if (start !== undefined) await clients.records.patch(key, billedPatch(start));
    if (wasTakenBack(facts) || runsAgain(facts)) {
      await clients.records.patch(key, exitPatch(takenBack(facts, now() + (runsAgain(facts) ? KILL_MS : 0))));
      await endAttempt(clients, namespace, facts, 0, now());
    }
    return { facts, instance };
  };

  /** What there is of an attempt that is to be let go of. */
  const endedFacts = async (namespace: string, name: string): Promise<Facts> => {
    const { facts, instance } = await see(namespace, name);
    if (instance === undefined || instance.state === 'exited') return facts;
    throw misconfigured(`attempt ${name} is ${instance.state}`, 'Terminate it first.');
  };

  /** Runs `what` where the attempt is; `otherwise` where nothing of it is anywhere. */
  const at = async <T>(name: string, what: (namespace: string) => Promise<T>, otherwise: T): Promise<T> => {
    let namespace = settings.namespace ?? '';
    try {
      const found = await places.of(name);
      if (found === undefined) return otherwise;
      namespace = found;
      return await what(found);
    } catch (error) {
      throw explain(error, namespace);
    }
  };

  const find = async (name: string): Promise<Instance | undefined> => {
    const known = memory.recall(name);
    if (known !== undefined || memory.isGone(name)) return known;
    const keep = memory.reading(name);
    const found = await at(name, async (namespace) => (await see(namespace, name)).instance, undefined);
    keep(found);
    return found;
  };

  const launch = async (request: LaunchRequest): Promise<Instance> => {
    const spec = trainerSpec.safeParse(request.spec);
    if (!spec.success) {
      const [issue] = spec.error.issues;
      throw misconfigured(`the trainer's spec is not valid: ${issue?.path.join('.') ?? ''}: ${issue?.message}`, '');
    }
    const image = request.image ?? settings.spec.image;
    if (image === undefined) {
      throw misconfigured('the provider has no image', 'Set kubernetes.image of the ComputeProvider, with its digest.');
    }
    checkRequest(request, settings);
    const { name } = request;
    const namespace = settings.namespace ?? request.job.namespace;
    places.learn(name, namespace);
    const keep = memory.reading(name);
    try {
      const taken = await takeName(clients, settings, request);
      // A name that was free until now has nothing under it.
      const { facts, instance: there } = taken === undefined ? await see(namespace, name) : NOTHING;
      if (there !== undefined) {
        if (facts?.job !== undefined && isForeign(facts.job, name, request.job.uid)) {
          throw misconfigured(`Job ${namespace}/${name} is of another job`, 'Remove it.');
        }
        return there;
      }
      const made = await createAttempt(clients, settings, request, image, now(), taken);
      if (made !== undefined) {
        const instance = noteMade(name, made, (request.shape ?? NO_SHAPE).nodes > 1);
        keep(instance);
        if (instance !== undefined) return instance;
      }
    } catch (error) {
      const reason = explain(error, namespace);
      if (reason.kind !== 'OutcomeUnknown') await undoAttempt(clients, namespace, name).catch(() => undefined);
      throw reason;
    }
    const instance = await find(name);
    if (instance === undefined) throw outcomeUnknown(`attempt ${name} was made but cannot be found`);
    return instance;
  };

  /** The instance as it was just made: its Job, and no pods yet. */
  const noteMade = (name: string, { job, secret, policy, record }: Made, service: boolean): Instance | undefined => {
    const token = tokenOf(secret);
    if (token !== undefined) tokens.set(name, token);
    parts.set(name, {
      ...(secret.metadata.uid !== undefined && { secret: secret.metadata.uid }),
      ...(policy.metadata.uid !== undefined && { policy: policy.metadata.uid }),
      service,
    });
    const facts: Facts = { name, job, pods: [], events: [], nodes: new Map(), record: lifeOf(record) };
    return instanceOf(facts, viewOf(facts));
  };

  const token = async (name: string): Promise<string | undefined> => {
    const known = tokens.get(name);
    if (known !== undefined) return known;
    return await at(
      name,
      async (namespace) => {
        const secret = await getOrUndefined(clients.secrets, { namespace, name });
        const found = secret === undefined || isForeign(secret, name) ? undefined : tokenOf(secret);
        if (found !== undefined) tokens.set(name, found);
        return found;
      },
      undefined,
    );
  };

  return {
    type: 'kubernetes',
    freesOnExit: true,
    teardownMs: (graceSecondsOf(settings) + TEARDOWN_SECONDS) * 1000,
    find,
    launch,
    token,
    probe: () => probeCluster(clients, settings),

    async list() {
      const found: Instance[] = [];
      try {
        for (const [namespace, facts] of await factsOfAll(clients, settings)) {
          places.learn(facts.name, namespace);
          // Its record is closed.
          if (isLeavingOnly(facts)) continue;
          const instance = instanceOf(facts, viewOf(facts));
          if (hasNews(facts, instance)) await see(namespace, facts.name);
          const left = instance ?? leftOver(facts, now());
          if (left !== undefined) found.push(left);
        }
      } catch (error) {
        throw explain(error, settings.namespace ?? '');
      }
      return found;
    },

    terminate: async (name, { graceMs }) => {
      if (memory.isGone(name) || memory.wasAsked(name, graceMs)) return;
      await at(
        name,
        async (namespace) => {
          memory.forget(name);
          const { facts, instance } = await see(namespace, name);
          if (instance?.state !== 'exited') await endAttempt(clients, namespace, facts, graceMs, now());
          memory.asked(name, graceMs);
        },
        undefined,
      );
    },

    release: async (name) => {
      if (memory.isGone(name)) return;
      await at(
        name,
        async (namespace) => {
          const facts = endings.get(name) ?? (await endedFacts(namespace, name));
          await removeAttempt(clients, namespace, facts, parts.get(name) ?? { service: true }, now());
          for (const known of [tokens, parts, endings]) known.delete(name);
          if (facts.record !== undefined) memory.gone(name);
        },
        undefined,
      );
    },

    async forgetNames(isGone, before) {
      try {
        return await forgetNames(clients, settings, isGone, before);
      } catch (error) {
        throw explain(error, settings.namespace ?? '');
      }
    },

    setHardDeadline: (name, deadline) =>
      at(
        name,
        async (namespace) => {
          const { job } = await factsOf(namespace, name);
          if (job !== undefined) await moveHardDeadline(clients, settings, job, deadline, now());
        },
        undefined,
      ),

    renewQueued: (name, { deadline, hardDeadline }) =>
      at(
        name,
        async (namespace) => {
          const { facts, instance } = await see(namespace, name);
          if (instance?.state !== 'queued' || facts.job === undefined) return;
          // The outer line first: the trainer must never be promised more time than the cluster gives.
          await moveHardDeadline(clients, settings, facts.job, hardDeadline, now());
          await renewSpec(clients, { namespace, name }, deadline, now());
        },
        undefined,
      ),

    async *logs(name: string, options: LogOptions) {
      const pod = await at(name, async (namespace) => leaderOf((await factsOf(namespace, name)).pods), undefined);
      if (pod !== undefined) yield* podLogs(kube, pod, options);
    },
  };
};

/** Whether a record lacks something that nothing else will tell later. */
const hasNews = (facts: Facts, instance: Instance | undefined): boolean => {
  if (facts.record === undefined || facts.record.released) return false;
  return isEndToNote(facts, instance) || unnotedStart(facts) !== undefined || wasTakenBack(facts) || runsAgain(facts);
};

/** An end whose evidence is going. */
const isEndToNote = (
  { job, record }: Facts,
  instance: Instance | undefined,
): instance is Instance & { exit: InstanceExit } => {
  const going = job === undefined || job.metadata.deletionTimestamp !== undefined;
  return going && instance?.exit !== undefined && record?.exit === undefined;
};

const NOTHING = { facts: undefined, instance: undefined };

const tokenOf = ({ data }: Secret): string | undefined => {
  const encoded = data?.[SECRET_KEY.token];
  return encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString('utf8');
};
