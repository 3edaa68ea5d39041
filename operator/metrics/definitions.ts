/** A gauge of the fleet: its name, what it says, and its labels. */
export interface Definition {
  readonly help: string;
  readonly labels: readonly string[];
}

const of = (help: string, ...labels: string[]): Definition => ({ help, labels });

/**
 * Every gauge computed from the objects of the cluster. Labels are namespaces, providers and words of fixed lists, never
 * names of jobs: the number of series does not grow with the work done. Units stand in the name, as Prometheus has it.
 */
export const gauges = {
  kriptik_goals: of('TrainingGoals by phase', 'namespace', 'phase'),
  kriptik_plans: of('TrainingPlans by phase', 'namespace', 'phase'),
  kriptik_jobs: of('TrainingJobs by phase', 'namespace', 'phase'),
  kriptik_plan_waiting_seconds: of('Age of the oldest plan that waits for approval', 'namespace'),
  kriptik_job_pending_seconds: of('Longest time a job has been pending, by the reason it gives', 'namespace', 'reason'),
  kriptik_job_silence_seconds: of('Longest time since a running trainer last reported', 'namespace'),
  kriptik_job_step_age_seconds: of('Longest time since a trainer that makes steps made its last one', 'namespace'),
  kriptik_job_findings: of('Open diagnoses of jobs', 'namespace', 'code'),
  kriptik_instances: of('Instances that may cost money', 'namespace', 'provider'),
  kriptik_spend_rate_usd_per_hour: of('What running instances cost an hour, fee included', 'namespace', 'provider'),
  kriptik_spent_usd: of('Spent by all jobs, deleted ones by their receipts', 'namespace', 'component'),
  kriptik_overspend_usd: of('Spent beyond what was approved; must be 0', 'namespace'),
  kriptik_jobs_at_budget_line: of('Running jobs whose spending reached a line of their budget', 'namespace', 'line'),
  kriptik_jobs_forecast_over_budget: of('Running jobs that will not fit into their budget', 'namespace'),
  kriptik_jobs_checkpoint_failing: of('Jobs whose newest checkpoint cannot be verified', 'namespace'),
  kriptik_checkpoint_age_seconds: of('Longest time a running job has gone without a verified checkpoint', 'namespace'),
  kriptik_deletion_age_seconds: of('Longest time an object has been waiting to be deleted', 'kind'),
  kriptik_provider_ready: of('1 while the provider can take work', 'provider', 'type'),
  kriptik_provider_instances: of('Live instances of the provider', 'provider', 'type'),
} as const satisfies Readonly<Record<string, Definition>>;

export type GaugeName = keyof typeof gauges;
