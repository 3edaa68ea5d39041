import * as common from '@grafana/grafana-foundation-sdk/common';
import {
  type Dashboard,
  DashboardBuilder,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  VariableHide,
  VariableRefresh,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';

/** One line of a panel: what is asked, and how the line is called. */
type Query = readonly [expression: string, legend: string];

interface Panel {
  readonly title: string;
  readonly description: string;
  readonly queries: readonly Query[];
  /** Unit as Grafana names it. */
  readonly unit: string;
  /** Of 24. */
  readonly width?: number;
  readonly stacked?: boolean;
}

/** Other controllers export figures of the same names: only those of the operator are meant. */
const JOB = 'job=~"$job"';
const NS = `${JOB},namespace=~"$namespace"`;

const money: readonly Panel[] = [
  {
    title: 'Spending by namespace',
    description: 'What running instances cost an hour, platform fee included',
    queries: [[`sum by (namespace) (kriptik_spend_rate_usd_per_hour{${NS}})`, '{{namespace}}']],
    unit: 'currencyUSD',
    stacked: true,
  },
  {
    title: 'Spent by the jobs that exist',
    description: 'Compute, storage and platform fee',
    queries: [[`sum by (component) (kriptik_spent_usd{${NS}})`, '{{component}}']],
    unit: 'currencyUSD',
    stacked: true,
  },
  {
    title: 'Jobs near their limit',
    description:
      'Running jobs that reached the alert or warning line, and those that will not fit at the measured speed',
    queries: [
      [`sum by (line) (kriptik_jobs_at_budget_line{${NS}})`, '{{line}}'],
      [`sum(kriptik_jobs_forecast_over_budget{${NS}})`, 'will not fit'],
    ],
    unit: 'short',
  },
  {
    title: 'Time of a freeze',
    description: 'From the request until the instance was verified absent; the reserve is learned from these',
    queries: [
      [`histogram_quantile(0.5, sum by (le) (rate(kriptik_freeze_duration_seconds_bucket{${JOB}}[1h])))`, 'median'],
      [
        `histogram_quantile(0.99, sum by (le) (rate(kriptik_freeze_duration_seconds_bucket{${JOB}}[1h])))`,
        '99th percentile',
      ],
    ],
    unit: 's',
  },
];

const jobs: readonly Panel[] = [
  {
    title: 'Jobs by phase',
    description: 'All TrainingJobs',
    queries: [[`sum by (phase) (kriptik_jobs{${NS}})`, '{{phase}}']],
    unit: 'short',
    stacked: true,
  },
  {
    title: 'Attempts that ended',
    description: 'Per hour, by outcome',
    queries: [[`sum by (outcome) (increase(kriptik_attempts_total{${JOB}}[1h]))`, '{{outcome}}']],
    unit: 'short',
  },
  {
    title: 'Longest pending',
    description: 'By the reason that jobs give',
    queries: [[`max by (reason) (kriptik_job_pending_seconds{${NS}})`, '{{reason}}']],
    unit: 's',
  },
  {
    title: 'Silence of running trainers',
    description: 'Longest time since one reported, and since one made a step',
    queries: [
      [`max by (namespace) (kriptik_job_silence_seconds{${NS}})`, '{{namespace}}'],
      [`max by (namespace) (kriptik_job_step_age_seconds{${NS}})`, '{{namespace}}, last step'],
    ],
    unit: 's',
  },
  {
    title: 'Age of the newest verified checkpoint',
    description: 'Work that would be lost if the worst instance vanished now',
    queries: [[`max by (namespace) (kriptik_checkpoint_age_seconds{${NS}})`, '{{namespace}}']],
    unit: 's',
  },
  {
    title: 'Open findings',
    description: 'Diagnoses that were not resolved, by code',
    queries: [[`sum by (code) (kriptik_job_findings{${NS}})`, '{{code}}']],
    unit: 'short',
  },
];

const operator: readonly Panel[] = [
  {
    title: 'Reconciles',
    description: 'Per second, by controller and result',
    queries: [
      [
        `sum by (controller, result) (rate(controller_runtime_reconcile_total{${JOB}}[$__rate_interval]))`,
        '{{controller}} {{result}}',
      ],
    ],
    unit: 'ops',
  },
  {
    title: 'Time of a reconcile',
    description: '99th percentile by controller',
    queries: [
      [
        `histogram_quantile(0.99, sum by (le, controller) (rate(controller_runtime_reconcile_time_seconds_bucket{${JOB}}[$__rate_interval])))`,
        '{{controller}}',
      ],
    ],
    unit: 's',
  },
  {
    title: 'Calls to the API server',
    description: 'Per second, by method and answer',
    queries: [
      [`sum by (method, code) (rate(rest_client_requests_total{${JOB}}[$__rate_interval]))`, '{{method}} {{code}}'],
    ],
    unit: 'ops',
  },
  {
    title: 'Keys waiting',
    description: 'Depth of the work queues',
    queries: [[`sum by (name) (workqueue_depth{${JOB}})`, '{{name}}']],
    unit: 'short',
  },
];

/** Figures of the first row: what a person looks at first. Red from the value given on. */
const headline: readonly (Panel & { readonly redFrom: number })[] = [
  {
    title: 'Overspent',
    description: 'Beyond what was approved; always 0',
    queries: [[`sum(kriptik_overspend_usd{${NS}})`, '']],
    unit: 'currencyUSD',
    redFrom: 0.000001,
  },
  {
    title: 'Spending an hour',
    description: 'All running instances',
    queries: [[`sum(kriptik_spend_rate_usd_per_hour{${NS}})`, '']],
    unit: 'currencyUSD',
    redFrom: 1e9,
  },
  {
    title: 'Instances',
    description: 'That may cost money',
    queries: [[`sum(kriptik_instances{${NS}})`, '']],
    unit: 'short',
    redFrom: 1e9,
  },
  {
    title: 'Failing checkpoints',
    description: 'Jobs whose newest does not verify',
    queries: [[`sum(kriptik_jobs_checkpoint_failing{${NS}})`, '']],
    unit: 'short',
    redFrom: 1,
  },
  {
    title: 'Plans waiting',
    description: 'Age of the oldest that waits for approval',
    queries: [[`max(kriptik_plan_waiting_seconds{${NS}})`, '']],
    unit: 's',
    redFrom: 86_400,
  },
  {
    title: 'Providers not ready',
    description: 'Of those that are enabled',
    queries: [[`count(kriptik_provider_ready{${JOB}} == 0) or vector(0)`, '']],
    unit: 'short',
    redFrom: 1,
  },
];

/** The dashboard, as Grafana imports it. The same each time: no dates, no random identifiers. */
export function buildDashboard(): Dashboard {
  const builder = new DashboardBuilder('KripTik')
    .uid('kriptik')
    .description('Training jobs, what they cost, and the operator that runs them')
    .tags(['kriptik', 'training'])
    .refresh('30s')
    .time({ from: 'now-6h', to: 'now' })
    .timezone('browser')
    .readonly()
    .withVariable(
      new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus').hide(VariableHide.DontHide),
    )
    .withVariable(
      new QueryVariableBuilder('job')
        .label('Job')
        .datasource({ type: 'prometheus', uid: '$datasource' })
        .query('label_values(kriptik_jobs, job)')
        .refresh(VariableRefresh.OnTimeRangeChanged)
        // All are those that were found, and not what other controllers export.
        .includeAll(true)
        .multi(true),
    )
    .withVariable(
      new QueryVariableBuilder('namespace')
        .label('Namespace')
        .datasource({ type: 'prometheus', uid: '$datasource' })
        .query('label_values(kriptik_jobs{job=~"$job"}, namespace)')
        .refresh(VariableRefresh.OnTimeRangeChanged)
        .includeAll(true)
        .allValue('.*')
        .multi(true),
    );
  builder.withRow(new RowBuilder('At a glance'));
  for (const panel of headline) builder.withPanel(stat(panel));
  for (const [title, panels] of [
    ['Money', money],
    ['Jobs', jobs],
    ['Operator', operator],
  ] as const) {
    builder.withRow(new RowBuilder(title));
    for (const panel of panels) builder.withPanel(timeseries(panel));
  }
  return builder.build();
}

function stat({ redFrom, ...panel }: Panel & { readonly redFrom: number }): StatBuilder {
  const thresholds = new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps([
    { value: null, color: 'green' },
    { value: redFrom, color: 'red' },
  ]);
  const builder = new StatBuilder()
    .title(panel.title)
    .description(panel.description)
    .unit(panel.unit)
    .height(4)
    .span(4)
    .thresholds(thresholds);
  return addQueries(builder, panel);
}

function timeseries(panel: Panel): TimeseriesBuilder {
  const builder = new TimeseriesBuilder()
    .title(panel.title)
    .description(panel.description)
    .unit(panel.unit)
    .min(0)
    .height(8)
    .span(panel.width ?? 12)
    .fillOpacity(panel.stacked === true ? 30 : 5);
  if (panel.stacked === true) builder.stacking(new common.StackingConfigBuilder().mode(common.StackingMode.Normal));
  return addQueries(builder, panel);
}

function addQueries<B extends StatBuilder | TimeseriesBuilder>(builder: B, panel: Panel): B {
  builder.datasource({ type: 'prometheus', uid: '$datasource' });
  for (const [expression, legend] of panel.queries) {
    builder.withTarget(new DataqueryBuilder().expr(expression).legendFormat(legend));
  }
  return builder;
}
