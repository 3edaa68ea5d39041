import type { TrainingGoal, TrainingJob, TrainingPlan } from '@kriptik/crds';
import type { SimApiServer } from './api-server.ts';

/** Where everything stands, in one line; equal lines mean an equal end. What was only proposed is no part of it. */
export function summaryOf(server: SimApiServer, hasModel: (jobUid: string) => boolean): string {
  const goals = (server.list('traininggoals') as TrainingGoal[]).map((goal) => `goal ${goal.status?.phase ?? 'new'}`);
  const plans = (server.list('trainingplans') as TrainingPlan[])
    .filter(({ spec, status }) => spec.amends === undefined || status?.phase === 'Approved')
    .map((plan) => `plan ${plan.status?.phase ?? 'new'}`);
  const jobs = (server.list('trainingjobs') as TrainingJob[]).map((job) => {
    const model = job.status?.phase === 'Succeeded' && hasModel(job.metadata.uid) ? ' with a model' : '';
    return `job ${job.status?.phase ?? 'new'}${model}`;
  });
  const parts = [...goals.sort(), ...plans.sort(), ...jobs.sort()];
  return parts.length === 0 ? 'nothing' : parts.join('; ');
}
