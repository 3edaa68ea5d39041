import type { TrainingGoal, TrainingJob, TrainingPlan } from '@kriptik/crds';
import { age } from '../render/duration.ts';
import { bullets, facts, section } from '../render/section.ts';
import { phaseStyle } from '../render/style.ts';
import { printable } from '../render/width.ts';
import { conditionLines, eventLines, type KubeEvent, usd, type View } from './common.ts';
import { describeJob } from './job.ts';
import { describePlan } from './plan.ts';
import { proposalLines } from './proposals.ts';
import { jobSteps } from './steps.ts';

/** A goal with everything that came of it. */
export interface Story {
  readonly goal: TrainingGoal;
  readonly plan?: TrainingPlan | undefined;
  readonly job?: TrainingJob | undefined;
  /** Amendments of the plan that nobody decided on yet. */
  readonly proposals?: readonly TrainingPlan[];
  readonly events: readonly KubeEvent[];
}

/** The whole story for a person: the goal in its own words, the plan, the job, conditions, events, what to do next. */
export function describeGoal(story: Story, view: View): string[] {
  const { style } = view;
  const { goal, plan, job } = story;
  const phase = goal.status?.phase ?? 'Planning';
  const intent = goal.status?.intent;
  return [
    `${style.bold(`Goal ${goal.metadata.name}`)}  ${phaseStyle(style, phase)(phase)}  ${style.dim(`${goal.metadata.namespace ?? ''}, ${age(goal.metadata.creationTimestamp, view.now)} old`)}`,
    ...bullets([goal.spec.goal], view.width).map((line) => line.replace(/^ {2}- /, '    ')),
    ...facts(
      [
        [
          'budget',
          goal.status?.budget === undefined
            ? usd(goal.spec.budget?.limit)
            : `${usd(goal.status.budget.limit)} (from the ${goal.status.budget.source === 'spec' ? 'budget field' : 'text'})`,
        ],
        ['refused', intent?.outcome === 'Refused' ? printable(intent.reason ?? 'no reason given') : undefined],
      ],
      view,
    ),
    ...section(
      'Questions to answer in the goal',
      (intent?.questions ?? []).flatMap((entry) =>
        bullets(
          [`${entry.field}: ${entry.question}${entry.example === undefined ? '' : ` For example: ${entry.example}`}`],
          view.width,
        ),
      ),
      style,
    ),
    ...section('How the goal was read', bullets(readingNotes(goal), view.width), style),
    ...(plan === undefined ? [] : ['', ...describePlan(plan, view, { brief: job !== undefined })]),
    ...(job === undefined ? [] : ['', ...describeJob(job, view)]),
    ...section('Proposed changes', proposalLines(story.proposals ?? [], job, view), style),
    ...section('Conditions', conditionLines((job ?? plan ?? goal).status?.conditions, view), style),
    ...section('Events', eventLines(story.events, view), style),
    ...section(
      'Next',
      nextSteps(story).map((line) => `  ${line}`),
      style,
    ),
  ];
}

/** What only the goal's status tells of its reading: an attempt to steer, a parser that failed, what Claude's answer cost. */
function readingNotes({ status }: TrainingGoal): string[] {
  const told = (status?.conditions ?? []).filter(({ type }) => READING.includes(type)).map(({ message }) => message);
  const parsing = status?.intent?.parsing;
  if (parsing === undefined) return told;
  const { model, inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens, cost, priceAsOf } = parsing;
  const tokens = `${inputTokens + cacheReadTokens + cacheWriteTokens} tokens in, ${outputTokens} out`;
  const price = cost === undefined ? '' : `, ${usd(cost)} at list prices of ${priceAsOf ?? 'an unknown day'}`;
  return [...told, `Read by ${model}: ${tokens}${price}; no part of the training budget.`];
}

/** Conditions of a goal that its plan and job do not repeat. */
const READING: readonly string[] = ['ParserFallback', 'InjectionReported'];

/** What a person can do now, as commands. */
export function nextSteps(story: Story): string[] {
  const name = story.goal.metadata.name;
  const phase = story.job?.status?.phase ?? story.plan?.status?.phase ?? story.goal.status?.phase ?? '';
  switch (phase) {
    case 'AwaitingApproval':
      return [
        `kriptik approve ${name}`,
        `kriptik select ${name} gpu=ID    (choose something else first)`,
        `kriptik deny ${name}`,
      ];
    case 'NeedsClarification':
      return ['Answer the questions in the goal, then: kriptik apply -f FILE'];
    default:
      return [
        ...(story.proposals ?? []).map(({ metadata }) => `kriptik approve ${metadata.name}    (a proposed change)`),
        ...(story.job === undefined ? [] : jobSteps(name, story.job)),
      ];
  }
}
