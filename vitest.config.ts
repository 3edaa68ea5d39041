import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

// unit: pure and in-process, beside the code, and the simulation. integration: a real API server, shared through the
// global setup but for the operator's tests, which start their own. idle: an operator at rest. node: real pods on a real node. faults: the operator killed
// and cut off at every turn, FULL=1 for all of it. e2e: the quickstart with
// the real trainer.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{crds,operator,cli,tools,test/support,test/sim,test/architecture}/**/*.test.ts'],
          exclude: ['**/node_modules/**', '**/*.integration.test.ts'],
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts', '{operator,cli,tools}/**/*.integration.test.ts'],
          globalSetup: ['test/support/controlplane.setup.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'idle',
          include: ['test/idle/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'faults',
          include: ['test/faults/**/*.test.ts'],
          globalSetup: ['test/support/controlplane.setup.ts'],
          // Hundreds of operators are started: what was compiled once need not be again.
          env: { NODE_COMPILE_CACHE: join(tmpdir(), 'kriptik-compile-cache') },
          testTimeout: 600_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'node',
          include: ['test/node/**/*.test.ts'],
          testTimeout: 600_000,
          hookTimeout: 600_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 600_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
