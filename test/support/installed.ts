import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');

/** Folders that installing this release applies: definitions, policies and roles. */
export const INSTALLED: readonly string[] = ['crds', 'config', 'config/rbac', 'webhooks'].map((folder) =>
  join(ROOT, folder),
);
