import type { Symptoms } from '@kriptik/operator/job/diagnosis/types.ts';
import type { MetricPoint, TrainerStatus } from '@kriptik/operator/trainer/messages.ts';
import { resolved } from '../integration/crds/valid-plan.ts';
import { START, time } from './builders.ts';
import { trainerStatus } from './observed.ts';

/** Random numbers in [0, 1) that a seed repeats (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A normal deviate. */
export function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** A run: losses by step, looks at held-out rows, and what waiting for data took. */
export interface Run {
  readonly losses: readonly number[];
  readonly looks: readonly { readonly step: number; readonly loss: number }[];
  readonly waits: readonly number[];
}

/**
 * A run that learns, with what real ones show: a warm-up, an exponential or power-law descent, a stair at each pass
 * over the data, noise of single batches, spikes that come back, a flat end, an evaluation that levels out.
 */
export function healthyRun(seed: number): Run {
  const random = seeded(seed);
  const between = (low: number, high: number): number => low + random() * (high - low);
  const steps = Math.round(Math.exp(between(Math.log(60), Math.log(3000))));
  const start = between(0.9, 3.2);
  const gain = start * between(0.08, 0.7);
  const warmup = Math.round(steps * between(0, 0.1));
  const tau = steps * between(0.05, 0.35);
  const power = random() < 0.4;
  const passes = random() < 0.5 ? 1 : Math.round(between(2, 4));
  const stair = passes > 1 ? gain * between(0.05, 0.2) : 0;
  const noise = between(0.01, 0.12) * start;
  const curve = (step: number): number => {
    const past = Math.max(0, step - warmup);
    const shape = power ? 1 - (1 + past / tau) ** -0.7 : 1 - Math.exp(-past / tau);
    const pass = Math.floor((step / steps) * passes);
    return start - gain * shape - stair * pass;
  };
  let spike = 0;
  const losses = Array.from({ length: steps }, (_, step) => {
    spike = random() < 0.002 ? start * between(0.3, 2) : spike * 0.6;
    return Math.max(0.02, curve(step + 1) + noise * normal(random) + spike);
  });
  const every = Math.max(10, Math.round(steps / between(4, 20)));
  const gap = between(0, 0.15) * start;
  const looks: { step: number; loss: number }[] = [];
  for (let step = 0; step <= steps; step += every) {
    looks.push({ step, loss: curve(step) * (1 + 0.004 * normal(random)) + gap });
  }
  const waits = losses.map(() => Math.min(0.6, Math.abs(0.02 + 0.03 * normal(random)) + (random() < 0.02 ? 0.5 : 0)));
  return { losses, looks, waits };
}

/** What a detector would be shown of a run after so many steps. */
export function symptomsAt(
  run: Run,
  step: number,
  change: Partial<Symptoms> = {},
  status: Partial<TrainerStatus> = {},
): Symptoms {
  const points: MetricPoint[] = run.losses.slice(0, step).map((loss, index) => ({
    n: index + 1,
    step: index + 1,
    time: time(index),
    loss,
    learningRate: 0.0002,
    dataWaitShare: run.waits[index] ?? null,
  }));
  const seen = run.looks.filter((look) => look.step <= step);
  const history = seen.map((look) => ({ step: look.step, values: { loss: look.loss } }));
  const [base] = history;
  const latest = history.at(-1);
  return {
    now: START + step * 1000,
    points,
    status: trainerStatus({
      step,
      totalSteps: run.losses.length,
      evaluation: {
        metric: 'loss',
        better: 'lower',
        base: base?.values ?? null,
        latest: latest?.values ?? null,
        step: latest?.step ?? null,
        history,
      },
      ...status,
    }),
    plan: resolved,
    modality: 'llm',
    situation: { kind: 'Running', message: '' },
    budget: { spent: '1.00', limit: '5.00', forecast: '4.00', fits: true, options: [] },
    advanced: step > 0,
    ...change,
  };
}

/** Runs that go wrong, each in one way, made from a healthy one. */
export const brokenRuns = {
  LossDiverging: (seed: number): Run => {
    const run = healthyRun(seed);
    const random = seeded(seed + 7);
    const from = Math.round(run.losses.length * (0.2 + 0.4 * random()));
    const top = 1.2 + 4 * random();
    const slow = run.losses.length * (0.01 + 0.1 * random());
    return {
      ...run,
      losses: run.losses.map((loss, step) =>
        step < from ? loss : loss * (1 + top * (1 - Math.exp(-(step - from) / slow))) + 0.05 * normal(random),
      ),
    };
  },
  LossHigh: (seed: number): Run => {
    const run = healthyRun(seed);
    const random = seeded(seed + 7);
    const level = 4 + 5 * random();
    const noise = 0.05 + 0.4 * random();
    return {
      ...run,
      looks: [],
      losses: run.losses.map((_, step) => level - (0.0002 * step) / 3 + noise * normal(random)),
    };
  },
  NotImproving: (seed: number): Run => {
    const run = healthyRun(seed);
    const random = seeded(seed + 7);
    const level = 0.8 + 2 * random();
    const noise = level * (0.01 + 0.1 * random());
    return {
      ...run,
      losses: run.losses.map(() => level + noise * normal(random)),
      looks: run.looks.map(({ step }) => ({ step, loss: level * (1 + 0.004 * normal(random)) })),
    };
  },
  Overfitting: (seed: number): Run => {
    const run = healthyRun(seed);
    const random = seeded(seed + 7);
    const turn = run.losses.length * (0.2 + 0.3 * random());
    const worse = 0.15 + 0.4 * random();
    const least = run.looks.find(({ step }) => step >= turn)?.loss ?? 1;
    return {
      ...run,
      losses: run.losses.map(
        (loss, step) => loss * (step < turn ? 1 : 1 - 0.5 * ((step - turn) / (run.losses.length - turn))),
      ),
      looks: run.looks.map(({ step, loss }) => ({
        step,
        loss:
          step < turn
            ? loss
            : least * (1 + worse * ((step - turn) / (run.losses.length - turn))) * (1 + 0.004 * normal(random)),
      })),
    };
  },
  DataStarvesGpu: (seed: number): Run => {
    const run = healthyRun(seed);
    const random = seeded(seed + 7);
    const share = 0.38 + 0.5 * random();
    return { ...run, waits: run.waits.map(() => Math.min(1, Math.max(0, share + 0.08 * normal(random)))) };
  },
} as const;
