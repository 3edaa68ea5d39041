import { describe, expect, it } from 'vitest';
import { importsOf, projectFiles } from './sources.ts';

/** Packages and built-ins that only compute: the same input gives the same output, and nothing else happens. */
const PURE = new Map([
  ['node:crypto', 'SHA-256 of the plan, in operator/digest.ts'],
  ['canonicalize', 'RFC 8785, in operator/digest.ts'],
]);

/** Files of the runtime that only compute. */
const PURE_RUNTIME = [
  'operator/runtime/conditions.ts',
  'operator/runtime/exponential.ts',
  'operator/runtime/json.ts',
  'operator/runtime/owner.ts',
  'operator/runtime/text.ts',
];

/** Everything that is loaded with a file, types left out, with the file that asks for it. */
function loadedWith(path: string): Map<string, string> {
  const loaded = new Map<string, string>();
  const follow = (from: string): void => {
    for (const { to, typeOnly } of importsOf(from)) {
      if (typeOnly || loaded.has(to)) continue;
      loaded.set(to, from);
      if (to.endsWith('.ts')) follow(to);
    }
  };
  follow(path);
  return loaded;
}

const decisions = projectFiles(/^operator\/[a-z]+\/decide\.ts$/);

describe('decisions are pure', () => {
  it('finds one for each kind', () => {
    expect(decisions.map((path) => path.split('/')[1])).toEqual(
      expect.arrayContaining(['goal', 'plan', 'job', 'policy', 'provider']),
    );
  });

  it.each(decisions)('%s loads nothing that does I/O', (path) => {
    const loaded = loadedWith(path);
    const packages = [...loaded].filter(([to]) => !to.endsWith('.ts') && !PURE.has(to));
    expect(packages).toEqual([]);
    const runtime = [...loaded].filter(([to]) => to.startsWith('operator/runtime/') && !PURE_RUNTIME.includes(to));
    expect(runtime).toEqual([]);
    const shell = [...loaded].filter(([to]) => /\/(reconciler|act|gather)\.ts$|^operator\/(backends|store)\//.test(to));
    expect(shell).toEqual([]);
  });

  it('lets only the digest hash', () => {
    const hashing = decisions.flatMap((path) => [...loadedWith(path)].filter(([to]) => PURE.has(to)));
    expect([...new Set(hashing.map(([, from]) => from))]).toEqual(['operator/digest.ts']);
  });

  it.each(decisions)('%s and its helpers read no clock and draw no random number', async (path) => {
    const { textOf } = await import('./sources.ts');
    const ours = [path, ...[...loadedWith(path).keys()].filter((to) => to.endsWith('.ts'))];
    const impure = ours.filter((file) =>
      /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bperformance\.now\(|\bprocess\.env\b/.test(textOf(file)),
    );
    expect(impure).toEqual([]);
  });
});
