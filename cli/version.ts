import { readFileSync } from 'node:fs';

const manifest: unknown = JSON.parse(readFileSync(new URL('./package.json', import.meta.url), 'utf8'));

function versionOf(value: unknown): string {
  return typeof value === 'object' && value !== null && 'version' in value && typeof value.version === 'string'
    ? value.version
    : '0.0.0';
}

/** Version of this program. */
export const CLIENT_VERSION = versionOf(manifest);
