/**
 * A thousand jobs on one cluster: a real API server, scheduler, Job controller and S3 server, the operator as it is
 * deployed, and nodes that exist in the API only. Measures from approval to pods, from the budget's line to no pods,
 * overspend by the API server's own record, and what the operator needs for it; plain Jobs on the same cluster first.
 *
 *   N=1000        jobs
 *   RATE=100      approvals, Jobs and cuts a second
 *   AHEAD=S       seconds from the first cut of a limit to the moment at which all jobs reach theirs; 150 for 1000 jobs
 *   WATCH=20      seconds for which running and frozen jobs are watched
 *   MINUTES=12    gives up after that time
 *   PROFILE=DIR   leaves profiles of the operator's CPU and memory there
 */
import { loadavg } from 'node:os';
import { cpuSeconds, MemoryWatch, machineBusySeconds } from '../support/process-usage.ts';
import { byFirst, type Calls, difference, sumBy, total } from './api-calls.ts';
import { approveAll, makePlans } from './approvals.ts';
import { measureBaseline } from './baseline.ts';
import { crossLimits, type Spending } from './limits.ts';
import { apiServerPid, type Operator, type Program, startFleet, startOperator } from './programs.ts';
import { NAMESPACE, ScaleWorld } from './scale-world.ts';
import type { Spread } from './spread.ts';
import { Timeline } from './timeline.ts';

const env = (name: string, otherwise: number): number => Number(process.env[name] ?? otherwise);
const count = env('N', 1_000);
const rate = env('RATE', 100);
const aheadMs = env('AHEAD', Math.max(45, Math.round(count * 0.15))) * 1000;
const watchMs = env('WATCH', 20) * 1000;
const minutes = env('MINUTES', 12);

const started = performance.now();
const say = (text: string): boolean => process.stdout.write(`${text}\n`);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const row = (name: string, { p50, p90, p99, max }: Spread): boolean =>
  say(`  ${name.padEnd(46)}${[p50, p90, p99, max].map((value) => value.toFixed(1).padStart(9)).join('')} s`);
const HEAD = `  ${''.padEnd(46)}${['p50', 'p90', 'p99', 'max'].map((name) => name.padStart(9)).join('')}`;

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
setTimeout(() => {
  console.error(`not done within ${minutes} minutes: fewer jobs (N), a quieter machine, or more time (MINUTES)`);
  process.exit(1);
}, minutes * 60_000).unref();
const scale = await ScaleWorld.start(count);
const line = new Timeline(scale.world.client, NAMESPACE);
const programs: Program[] = [];
let memory: MemoryWatch | undefined;
try {
  await line.start();
  say(`${count} jobs, ${rate} a second; load of the machine before: ${loadavg()[0]?.toFixed(1)}`);

  const plain = await measureBaseline(scale, line, count, rate);
  say(`\nPlain Jobs by a script (${plain.wallSeconds.toFixed(1)} s until all run)\n${HEAD}`);
  row('create call to pod', plain.created);
  row('create call to running', plain.running);
  row('delete call to no pod', plain.gone);

  programs.push(await startFleet(scale.cluster.kubeconfigPath, NAMESPACE, scale.s3.dir));
  const operator = await startOperator(scale.operatorKubeconfig, process.env['PROFILE']);
  programs.push(operator);
  memory = new MemoryWatch(operator.pid);
  const measured = meter(operator, await apiServerPid(scale.cluster.url), memory);

  const planning = await measured(() => makePlans(scale, count, rate));
  say(`\nGoals to priced plans: ${planning.value.toFixed(1)} s, ${(count / planning.value).toFixed(1)} a second`);
  say(planning.used);

  const approvals = await measured(() => approveAll(scale, line, rate));
  const { created, running, told, wallSeconds } = approvals.value;
  say(`\nApproved plans (${wallSeconds.toFixed(1)} s until all are told to run)\n${HEAD}`);
  row('approval to pod', created);
  row('approval to running', running);
  row('approval to phase Running', told);
  const ratio = (ours: number, theirs: number): string => (ours / theirs).toFixed(1);
  say(
    `  against plain Jobs, to pod: p50 ${ratio(created.p50, plain.created.p50)}x, p99 ${ratio(created.p99, plain.created.p99)}x`,
  );
  say(approvals.used);

  const steady = await measured(() => pause(watchMs));
  say(`\nAll running, for ${watchMs / 1000} s\n${steady.used}`);

  const freezes = await measured(() => crossLimits(scale, line, { aheadMs, rate }));
  const { reserve, ended, gone, told: frozen, endedBy, toEnd, toAbsence, verified } = freezes.value;
  say(`\nAll limits at once\n${HEAD}`);
  row('kept back for the freeze', reserve);
  row('line to end of trainer', ended);
  row('line to no pod', gone);
  row('line to phase Frozen', frozen);
  say(`  exit codes ${JSON.stringify(endedBy)} (11: asked by the operator, 10: own deadline)`);
  say(`  newest checkpoint verified: ${verified} of ${count}`);
  const spent = ({ over, least, most }: Spending): string =>
    `${over} jobs over their limit; left of it: $${least.toFixed(4)} to $${most.toFixed(4)}`;
  say(`  to the end of the container: ${spent(toEnd)}`);
  say(`  to the absence of the pod's object: ${spent(toAbsence)}`);
  say(freezes.used);

  await pause(15_000);
  const idle = await measured(() => pause(watchMs));
  say(`\nAll frozen, for ${watchMs / 1000} s\n${idle.used}`);
  say(`\nAll of it took ${((performance.now() - started) / 60_000).toFixed(1)} minutes`);
  if (toEnd.over > 0 || verified < count) process.exitCode = 1;
} finally {
  memory?.stop();
  for (const program of programs.toReversed()) await program.stop();
  await line.stop();
  await scale.stop();
}

/** Tells, beside what a part gives, what the operator and the machine used for it. */
function meter(operator: Operator, server: number, peak: MemoryWatch) {
  const look = async () => ({
    at: performance.now(),
    cpu: await cpuSeconds(operator.pid),
    server: await cpuSeconds(server),
    busy: await machineBusySeconds(),
    own: await operator.calls(),
    all: sumBy(await scale.apiServerMetrics(), 'apiserver_request_total', 'verb'),
  });
  return async <T>(part: () => Promise<T>): Promise<{ readonly value: T; readonly used: string }> => {
    peak.take();
    const before = await look();
    const value = await part();
    const after = await look();
    const own = difference(before.own, after.own);
    const all = difference(before.all, after.all);
    const each = (calls: Calls): string =>
      Object.entries(calls)
        .filter(([, made]) => made / count >= 0.005)
        .sort(([, a], [, b]) => b - a)
        .map(([what, made]) => `${what} ${(made / count).toFixed(2)}`)
        .join(', ');
    const seconds = (after.at - before.at) / 1000;
    const used = [
      `  operator: ${(after.cpu - before.cpu).toFixed(1)} CPU s in ${seconds.toFixed(1)} s, peak ${peak.take().toFixed(0)} MiB`,
      `  its API calls a job: ${(total(own) / count).toFixed(2)} (${each(byFirst(own))}), ${(total(own) / seconds).toFixed(1)} a second`,
      `    ${each(own)}`,
      `  API calls a job of everybody: ${each(all)}`,
      `  API server: ${(after.server - before.server).toFixed(1)} CPU s; machine: ${((after.busy - before.busy) / seconds).toFixed(2)} cores busy, load ${loadavg()[0]?.toFixed(1)}`,
    ].join('\n');
    return { value, used };
  };
}
