import { defineConfig } from 'vitest/config';

// unit: pure and in-process, beside the code. integration: a real API server.
// e2e: the whole product with the real trainer. Both share one control plane,
// started by their global setup.
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
