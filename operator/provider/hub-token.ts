import type { ComputeProviderSpec } from '@kriptik/crds';
import { keysOf, type ReadSecret } from './credentials.ts';

type Ref = NonNullable<ComputeProviderSpec['kubernetes']>['hubTokenRef'];

/** Reads the Hub token that a provider names, at each call; undefined where it names none. */
export function hubTokenOf(ref: Ref, readSecret: ReadSecret): (() => Promise<string>) | undefined {
  if (ref === undefined) return undefined;
  const needs = 'token, a read token of the Hugging Face Hub';
  const source = { ref, field: 'spec.kubernetes.hubTokenRef', needs };
  return async () => (await keysOf(source, ['token'], readSecret)).token;
}
