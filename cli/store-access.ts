import type { TrainingJob } from '@kriptik/crds';
import { s3AccessOf } from '@kriptik/operator/provider/s3-access.ts';
import { SecretProblem, secretsReader } from '@kriptik/operator/secrets.ts';
import type { S3Access } from '@kriptik/operator/store/location.ts';
import { tryGet } from './locate.ts';
import { PROVIDERS } from './resources.ts';
import type { Session } from './session.ts';

/** Variables by which people say who they are to S3. */
const OWN_KEYS = ['AWS_ACCESS_KEY_ID', 'AWS_PROFILE', 'AWS_WEB_IDENTITY_TOKEN_FILE'];

/**
 * How this machine reaches the bucket of a job: where its ComputeProvider says, with the keys of the environment where
 * it has some, else with those of the provider's Secret, which few may read.
 */
export async function storeAccessOf(session: Session, job: TrainingJob): Promise<S3Access> {
  const name =
    job.status?.store?.provider ?? job.status?.attempts?.[0]?.provider ?? job.spec.run.resolved.compute.provider;
  const provider = await tryGet(session, PROVIDERS, name);
  const store = provider?.spec.store;
  const own = OWN_KEYS.some((variable) => (session.host.env[variable] ?? '') !== '');
  const fallback = { region: session.host.env['AWS_REGION'] ?? 'us-east-1', pathStyle: false };
  if (store === undefined) return fallback;
  const { credentialsRef: _, ...withoutKeys } = store;
  const read = secretsReader(session.client);
  const access = s3AccessOf(own ? withoutKeys : store, (key) => read(key));
  try {
    return (await access?.()) ?? fallback;
  } catch (error) {
    if (!(error instanceof Error) || !(error.cause instanceof SecretProblem)) throw error;
    session.note(`${error.cause.message}; using the AWS keys of this machine. Set ${OWN_KEYS[0]} to choose some.`);
    return (await s3AccessOf(withoutKeys, (key) => read(key))?.()) ?? fallback;
  }
}
