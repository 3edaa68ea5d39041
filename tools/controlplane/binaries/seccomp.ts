import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { unpackDebian } from './debian.ts';

/**
 * Environment for a Go build that uses the C library libseccomp: the installed one, else Debian's package unpacked in
 * the cache and linked statically. `work` is a folder that lives as long as the build.
 * @throws BuildError where neither can be had.
 */
export async function seccompEnvironment(cache: string, work: string): Promise<Record<string, string>> {
  if (isInstalled()) return { CGO_ENABLED: '1' };
  const root = await unpackDebian('libseccomp-dev', cache);
  const libraries = readdirSync(join(root, 'usr', 'lib')).map((name) => join(root, 'usr', 'lib', name));
  const library = libraries.find((folder) => existsSync(join(folder, 'libseccomp.a'))) ?? join(root, 'usr', 'lib');
  // Stands in for pkg-config, which would answer for /usr, and need not be installed.
  const script = join(work, 'pkg-config');
  writeFileSync(
    script,
    `#!/bin/sh
case "$*" in
  *--cflags*) echo "-I${join(root, 'usr', 'include')}" ;;
  *--libs*) echo "-L${library} -lseccomp" ;;
esac
`,
  );
  chmodSync(script, 0o755);
  return { CGO_ENABLED: '1', PKG_CONFIG: script };
}

function isInstalled(): boolean {
  try {
    execFileSync('pkg-config', ['--exists', 'libseccomp'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
