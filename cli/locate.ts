import type { TrainingGoal, TrainingJob, TrainingPlan } from '@kriptik/crds';
import { isApiError, isNotFound } from '@kriptik/operator/runtime/errors.ts';
import type { KubeObject, ResourceType } from '@kriptik/operator/runtime/types.ts';
import { CliError, usageError } from './errors.ts';
import { EXIT } from './exitcodes.ts';
import { GOALS, JOBS, PLANS, parseTarget, wordOf } from './resources.ts';
import type { Session } from './session.ts';
import { didYouMean } from './suggest.ts';

/** Reads one object; when there is none, the error names near ones, also of other namespaces. */
export async function getObject<T extends KubeObject>(
  session: Session,
  type: ResourceType<T>,
  name: string,
): Promise<T> {
  const found = await tryGet(session, type, name);
  if (found === undefined) throw await missing(session, type, name);
  return found;
}

/** Reads one object, or undefined when there is none. */
export async function tryGet<T extends KubeObject>(
  session: Session,
  type: ResourceType<T>,
  name: string,
): Promise<T | undefined> {
  const namespace = type.namespaced ? session.namespace : undefined;
  try {
    return await session.client.resource(type).get({ namespace, name });
  } catch (error) {
    // A kind that is not served is also a 404, but names no object.
    if (isNotFound(error) && isApiError(error) && error.details?.name === name) return undefined;
    throw error;
  }
}

async function missing(session: Session, type: ResourceType, name: string): Promise<CliError> {
  const { items } = await session.client
    .resource(type)
    .list({ signal: session.host.signal })
    .catch(() => ({ items: [] }));
  const here = type.namespaced ? session.namespace : undefined;
  const names = items.filter((item) => item.metadata.namespace === here).map((item) => item.metadata.name);
  const elsewhere = items.filter((item) => item.metadata.name === name && item.metadata.namespace !== here);
  const remedy = [
    didYouMean(name, names),
    ...elsewhere
      .slice(0, 3)
      .map(
        (item) =>
          `There is one in namespace ${item.metadata.namespace ?? ''}: add -n ${item.metadata.namespace ?? ''}.`,
      ),
    `"kriptik get ${wordOf(type)}s" lists what there is.`,
  ];
  return new CliError(EXIT.notFound, {
    what: `${wordOf(type)} "${name}" does not exist`,
    where: here === undefined ? undefined : `namespace ${here}`,
    remedy: remedy.filter((line) => line !== undefined),
  });
}

/** The goal that `text` names: a goal itself, or the goal of a plan or job. */
export async function findGoal(session: Session, text: string): Promise<TrainingGoal> {
  const { type, name } = parseTarget(text);
  if (type === undefined || type.plural === GOALS.plural) {
    const goal = await tryGet(session, GOALS, name);
    if (goal !== undefined) return goal;
    if (type !== undefined) throw await missing(session, GOALS, name);
  }
  const child = await plansOrJob(session, type, name);
  if (child === undefined) throw await missing(session, type ?? GOALS, name);
  return getObject(session, GOALS, child.spec.goalRef.name);
}

async function plansOrJob(
  session: Session,
  type: ResourceType | undefined,
  name: string,
): Promise<TrainingPlan | TrainingJob | undefined> {
  if (type !== undefined && type.plural !== PLANS.plural && type.plural !== JOBS.plural) {
    throw usageError(`${wordOf(type)}/${name} has no goal`, 'Name a goal, a plan or a job.');
  }
  return type?.plural === JOBS.plural ? tryGet(session, JOBS, name) : tryGet(session, PLANS, name);
}

/** The plan that `text` names: a plan itself, or the current plan of a goal. */
export async function findPlan(session: Session, text: string): Promise<TrainingPlan> {
  const { type, name } = parseTarget(text);
  if (type === undefined || type.plural !== GOALS.plural) {
    const plan = await tryGet(session, PLANS, name);
    if (plan !== undefined) return plan;
    if (type !== undefined) throw await missing(session, PLANS, name);
  }
  const goal = await getObject(session, GOALS, name);
  const ref = goal.status?.planRef;
  if (ref === undefined) throw noPlanYet(goal);
  return getObject(session, PLANS, ref.name);
}

function noPlanYet(goal: TrainingGoal): CliError {
  const name = goal.metadata.name;
  const intent = goal.status?.intent;
  if (intent?.outcome === 'Refused') {
    return new CliError(EXIT.refused, {
      what: `goal "${name}" was refused: ${intent.reason ?? 'no reason given'}`,
      where: `goal/${name}`,
      remedy: ["Change the goal's text, then apply it again."],
    });
  }
  const questions = (intent?.questions ?? []).map((entry) => `${entry.field}: ${entry.question}`);
  if (questions.length > 0) {
    return new CliError(EXIT.unclear, {
      what: `goal "${name}" is too vague to be planned responsibly`,
      where: `goal/${name}`,
      details: questions,
      remedy: ['Answer these in the goal, then apply it again.'],
    });
  }
  return new CliError(EXIT.notFound, {
    what: `goal "${name}" has no plan yet`,
    where: `goal/${name}`,
    remedy: [`Wait for it: kriptik watch ${name}. If nothing comes, the operator may not run: kriptik doctor.`],
  });
}

/** The job that `text` names: a job itself, or the job of a goal or plan. */
export async function findJob(session: Session, text: string): Promise<TrainingJob> {
  const { type, name } = parseTarget(text);
  if (type === undefined || type.plural === JOBS.plural || type.plural === PLANS.plural) {
    // A job has its plan's name.
    const job = await tryGet(session, JOBS, name);
    if (job !== undefined) return job;
    if (type !== undefined) throw await missing(session, JOBS, name);
  }
  const goal = await getObject(session, GOALS, name);
  const ref = goal.status?.jobRef;
  if (ref === undefined) {
    throw new CliError(EXIT.notFound, {
      what: `goal "${name}" has no job yet`,
      where: `goal/${name}`,
      remedy: [`A job begins when the plan is approved: kriptik approve ${name}`],
    });
  }
  return getObject(session, JOBS, ref.name);
}
