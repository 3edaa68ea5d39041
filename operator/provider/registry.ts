import type { ComputeProvider } from '@kriptik/crds';
import type { Backend, ProviderType } from '../backends/backend.ts';
import type { S3Access } from '../store/location.ts';
import type { CheckpointStore } from '../store/store.ts';

/** Where a job's checkpoints, metrics and artifacts are kept, and what runs its attempts. */
export interface ProviderRuntime {
  readonly backend: Backend;
  /** Store of one job, as a URI. */
  storeUri(jobUid: string): string;
  /** The same, to be read. Cheap: it is called at every look. */
  openStore(jobUid: string): CheckpointStore;
  /** What a trainer needs to reach the store besides its URI, read anew each time; absent where it needs nothing. */
  storeAccess?(): Promise<S3Access | undefined>;
  /** Read token of the Hugging Face Hub for attempts that run there, read anew each time; absent where none is named. */
  hubToken?(): Promise<string>;
}

/** Makes the runtime of one provider from its spec. Throws BackendError `Misconfigured` with a remedy. */
export type ProviderFactory = (provider: ComputeProvider) => ProviderRuntime;

/** One runtime per provider and generation: a changed spec gets a new one, an unchanged one keeps its caches. */
export class ProviderRegistry {
  readonly #factories: Partial<Record<ProviderType, ProviderFactory>>;
  readonly #made = new Map<string, { key: string; runtime: ProviderRuntime }>();

  constructor(factories: Partial<Record<ProviderType, ProviderFactory>>) {
    this.#factories = factories;
  }

  /** Provider types this operator can drive. */
  supports(type: ProviderType): boolean {
    return this.#factories[type] !== undefined;
  }

  /** What last drove a provider of this name: its instances must still be ended when the object is gone. */
  lastKnown(name: string): ProviderRuntime | undefined {
    return this.#made.get(name)?.runtime;
  }

  /** The runtime of a provider; undefined for a type this operator cannot drive. */
  runtime(provider: ComputeProvider): ProviderRuntime | undefined {
    const key = `${provider.metadata.uid}/${provider.metadata.generation}`;
    const known = this.#made.get(provider.metadata.name);
    if (known?.key === key) return known.runtime;
    const runtime = this.#factories[provider.spec.type]?.(provider);
    if (runtime !== undefined) this.#made.set(provider.metadata.name, { key, runtime });
    return runtime;
  }
}
