import type { KubeObject } from '@kriptik/operator/runtime/types.ts';
import { CliError } from '../errors.ts';
import { EXIT } from '../exitcodes.ts';
import { GROUP, VERSION } from '../resources.ts';
import { didYouMean } from '../suggest.ts';
import { withDefaults } from './defaults.ts';
import type { Manifest } from './load.ts';
import { type CrdFile, schemaOf } from './schema.ts';
import { type Finding, pathText, validate } from './validate.ts';

/** An object that passed every check that needs no cluster. */
export interface Checked {
  readonly object: KubeObject;
  readonly manifest: Manifest;
  /** Kinds that are cluster-wide have no namespace. */
  readonly namespaced: boolean;
  readonly plural: string;
  /** The object with the defaults the API server would fill in. */
  readonly whole: KubeObject;
}

/**
 * Checks what can be checked without a cluster, all files at once.
 *
 * @throws CliError (usage) with one line per finding, each with file and line.
 */
export function checkManifests(manifests: readonly Manifest[], crds: readonly CrdFile[]): Checked[] {
  const results = manifests.map((manifest) => ({ manifest, findings: findingsOf(manifest, crds) }));
  const details = results.flatMap(({ manifest, findings }) =>
    findings.map(
      ({ path, message }) => `${manifest.where(path)}: ${path.length === 0 ? '' : `${pathText(path)}: `}${message}`,
    ),
  );
  if (details.length > 0) {
    const what =
      details.length === 1
        ? 'one thing is wrong with the manifest'
        : `${details.length} things are wrong with the manifest`;
    throw new CliError(EXIT.usage, {
      what,
      details,
      remedy: ['Correct the lines named above; nothing was sent to the cluster.'],
    });
  }
  return manifests.map((manifest) => {
    const object = manifest.value as KubeObject;
    const crd = crds.find(({ spec }) => spec.names.kind === object.kind);
    const schema = schemaOf(crds, object.apiVersion, object.kind);
    const whole = (schema === undefined ? object : withDefaults(object, schema)) as KubeObject;
    return {
      object,
      whole,
      manifest,
      namespaced: crd?.spec.scope === 'Namespaced',
      plural: crd?.spec.names.plural ?? '',
    };
  });
}

function findingsOf(manifest: Manifest, crds: readonly CrdFile[]): Finding[] {
  const { value } = manifest;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return [{ path: [], message: 'is not a Kubernetes object; it must have apiVersion, kind, metadata and spec' }];
  }
  const { apiVersion, kind, metadata } = value as {
    apiVersion?: unknown;
    kind?: unknown;
    metadata?: { name?: unknown };
  };
  const kinds = crds.map(({ spec }) => spec.names.kind);
  if (typeof kind !== 'string' || !kinds.includes(kind)) {
    const hint = typeof kind === 'string' ? didYouMean(kind, kinds) : undefined;
    return [
      {
        path: ['kind'],
        message: `${kind === undefined ? 'is missing' : `${JSON.stringify(kind)} is not a kind of ${GROUP}`}. ${hint ?? `Kinds: ${kinds.join(', ')}.`}`,
      },
    ];
  }
  const schema = typeof apiVersion === 'string' ? schemaOf(crds, apiVersion, kind) : undefined;
  if (schema === undefined) {
    return [
      {
        path: ['apiVersion'],
        message: `${apiVersion === undefined ? 'is missing' : `${JSON.stringify(apiVersion)} is not known`}; write ${GROUP}/${VERSION}`,
      },
    ];
  }
  const unnamed =
    typeof metadata?.name === 'string' && metadata.name !== '' ? [] : [{ path: ['metadata'], message: 'needs a name' }];
  return [...unnamed, ...validate(value, withoutMetadata(schema))];
}

/** Metadata belongs to Kubernetes; the schema only names it. */
function withoutMetadata(schema: ReturnType<typeof schemaOf> & object): typeof schema {
  return { ...schema, properties: { ...schema.properties, metadata: {} } };
}
