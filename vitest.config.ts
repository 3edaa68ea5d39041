import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

// unit: pure and in-process, beside the code, and the simulation. integration: a real API server, shared through the
// global setup but for some of the operator's tests, which start their own. idle: an operator at rest. node: real pods on
// a real node. faults: the operator killed and cut off at every turn, FULL=1 for all of it. e2e: the product with the real
// trainer on this machine.

// Hundreds of operators and commands are started: what was compiled once need not be again.
const env = { NODE_COMPILE_CACHE: join(tmpdir(), 'kriptik-compile-cache') };

export default defineConfig({
  test: {
    // By itself it leaves a core alone, which of two is half.
    maxWorkers: '100%',
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{crds,operator,cli,tools,test/support,test/sim,test/architecture}/**/*.test.ts'],
          exclude: ['**/node_modules/**', '**/*.integration.test.ts'],
          // Loading all that is tested for each file anew took a third of the time.
          isolate: false,
          // Properties are computed and processes started beside other suites, with what these leave of the machine.
          testTimeout: 120_000,
          hookTimeout: 120_000,
          expect: { poll: { timeout: 30_000 } },
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts', '{operator,cli,tools}/**/*.integration.test.ts'],
          globalSetup: ['test/support/controlplane.setup.ts'],
          env,
          // Many wait for several things in turn, each for no longer than a minute.
          testTimeout: 180_000,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'idle',
          include: ['test/idle/**/*.test.ts'],
          env,
          testTimeout: 300_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'faults',
          include: ['test/faults/**/*.test.ts'],
          globalSetup: ['test/support/controlplane.setup.ts'],
          env,
          testTimeout: 600_000,
          hookTimeout: 120_000,
          // Half of its files wait for clocks: leases, an outage, frozen watches.
          maxWorkers: 3,
        },
      },
      {
        test: {
          name: 'node',
          include: ['test/node/**/*.test.ts'],
          env,
          // Several runs of a trainer one after the other, each with the time that a busy machine may need.
          testTimeout: 1_800_000,
          hookTimeout: 900_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          env,
          testTimeout: 1_800_000,
          hookTimeout: 600_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
