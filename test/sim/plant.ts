import { registerHooks } from 'node:module';
import { mutations } from './mutations.ts';

/**
 * Plants a bug: the source of one file of the operator is changed as it is loaded. Call it before anything of the
 * operator is imported. Throws where the place the bug goes to is not in the file once, so that none goes stale.
 */
export function plant(name: string): void {
  const mutation = mutations.find((one) => one.name === name);
  if (mutation === undefined) throw new Error(`there is no planted bug "${name}"`);
  const suffix = `/operator/${mutation.file}`;
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (!url.endsWith(suffix)) return loaded;
      const source = Buffer.from(loaded.source as Uint8Array).toString('utf8');
      return { ...loaded, source: withBug(source, mutation) };
    },
  });
}

/** The source with the bug in it. */
export function withBug(source: string, { name, file, find, put }: (typeof mutations)[number]): string {
  const parts = source.split(find);
  if (parts.length !== 2) throw new Error(`"${name}": operator/${file} holds ${JSON.stringify(find)} not exactly once`);
  return parts.join(put);
}
