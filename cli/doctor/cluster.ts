import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ComputeProvider } from '@kriptik/crds';
import { isForbidden, isNotFound } from '@kriptik/operator/runtime/errors.ts';
import { parseAllDocuments } from 'yaml';
import { bundledCrds } from '../manifest/schema.ts';
import { GROUP, PROVIDERS } from '../resources.ts';
import { crdStates } from '../served.ts';
import type { Session } from '../session.ts';
import { canI, whoAmI } from '../whoami.ts';
import { type Finding, fail, ok, warn } from './types.ts';

const INSTALL_CRDS = 'kubectl apply --server-side --force-conflicts -f "crds/*.yaml"';

/** Whether the kinds are there and equal to those of this release. */
export async function checkCrds(session: Session): Promise<Finding> {
  const states = await crdStates(session.client, bundledCrds());
  const missing = states.filter(({ state }) => state === 'missing').map(({ name }) => name);
  const other = states.filter(({ state }) => state === 'different').map(({ name }) => name);
  const unknown = states.some(({ state }) => state === 'served');
  const faults = [
    ...(missing.length > 0 ? [`missing: ${missing.join(', ')}`] : []),
    ...(other.length > 0 ? [`of another release: ${other.join(', ')}`] : []),
  ];
  if (faults.length > 0) {
    const remedy = missing.length > 0 ? 'Install them' : 'Bring them up to date';
    return fail('crds', faults.join('; '), `${remedy}: ${INSTALL_CRDS}`);
  }
  return ok(
    'crds',
    `${states.length} kinds served${unknown ? ' (you may not read their definitions, so they were not compared)' : ', equal to this release'}`,
  );
}

const POLICY_FOLDER = fileURLToPath(new URL('../../webhooks', import.meta.url));

interface Named {
  readonly kind?: string;
  readonly metadata?: { readonly name?: string };
}

/** Names of the admission policies of this release, by kind. */
function bundledPolicies(folder: string = POLICY_FOLDER): { readonly plural: string; readonly name: string }[] {
  const plurals: Readonly<Record<string, string>> = {
    ValidatingAdmissionPolicy: 'validatingadmissionpolicies',
    ValidatingAdmissionPolicyBinding: 'validatingadmissionpolicybindings',
    MutatingAdmissionPolicy: 'mutatingadmissionpolicies',
    MutatingAdmissionPolicyBinding: 'mutatingadmissionpolicybindings',
  };
  return readdirSync(folder)
    .filter((file) => file.endsWith('.yaml'))
    .flatMap((file) =>
      [...parseAllDocuments(readFileSync(join(folder, file), 'utf8'))].map(
        (document) => document.toJS() as Named | null,
      ),
    )
    .flatMap((object) => {
      const plural = plurals[object?.kind ?? ''];
      const name = object?.metadata?.name;
      return plural === undefined || name === undefined ? [] : [{ plural, name }];
    });
}

/** Whether the rules that guard approvals and budgets are installed. Without them anybody who may write status may approve. */
export async function checkPolicies(session: Session): Promise<Finding> {
  const wanted = bundledPolicies();
  const plurals = [...new Set(wanted.map(({ plural }) => plural))];
  try {
    const there = new Set<string>();
    for (const plural of plurals) {
      const list = await session.client.raw<{ items: Named[] }>(
        'GET',
        `/apis/admissionregistration.k8s.io/v1/${plural}`,
        { signal: session.host.signal },
      );
      for (const { metadata } of list.items) there.add(`${plural}/${metadata?.name ?? ''}`);
    }
    const missing = wanted.filter(({ plural, name }) => !there.has(`${plural}/${name}`)).map(({ name }) => name);
    if (missing.length === 0)
      return ok('policies', `${new Set(wanted.map(({ name }) => name)).size} admission policies installed`);
    return fail(
      'policies',
      `missing: ${[...new Set(missing)].join(', ')}`,
      'Install them: kubectl apply --server-side -f webhooks/',
    );
  } catch (error) {
    if (isForbidden(error))
      return warn(
        'policies',
        'you may not read admission policies, so they were not checked',
        'Ask an administrator to run "kriptik doctor".',
      );
    if (isNotFound(error))
      return fail(
        'policies',
        'this API server has no admission policies of version v1',
        'Use Kubernetes 1.36 or later.',
      );
    throw error;
  }
}

const RIGHTS = [
  { what: 'write goals', verb: 'create', resource: 'traininggoals', role: 'kriptik-editor' },
  { what: 'approve plans', verb: 'approve', resource: 'trainingplans', role: 'kriptik-approver' },
  { what: 'raise budgets', verb: 'raise', resource: 'trainingbudgets', role: 'kriptik-budget-owner' },
  { what: 'pause jobs', verb: 'patch', resource: 'trainingjobs', subresource: 'scale', role: 'kriptik-editor' },
  { what: 'read jobs', verb: 'get', resource: 'trainingjobs', role: 'kriptik-viewer' },
] as const;

/** What this caller may do. Lacking one is no fault: somebody else may have it. */
export async function checkRights(session: Session): Promise<Finding> {
  const { namespace } = session;
  const user = await whoAmI(session);
  const answers = await Promise.all(
    RIGHTS.map(async ({ what, role, ...right }) => ({
      what,
      role,
      allowed: await canI(session, { ...right, group: GROUP, namespace }),
    })),
  );
  const lacking = answers.filter(({ allowed }) => !allowed);
  if (lacking.length === 0) return ok('permissions', `${user} may do everything in namespace ${namespace}`);
  const [first] = lacking;
  return warn(
    'permissions',
    `${user} may not ${lacking.map(({ what }) => what).join(', ')} in namespace ${namespace}`,
    `If you should: kubectl create rolebinding ${first?.role ?? ''} --clusterrole=${first?.role ?? ''} --user=${user} -n ${namespace}`,
  );
}

/** Whether any provider can take work. */
export async function checkProviders(session: Session): Promise<Finding> {
  const { items } = await session.client.resource(PROVIDERS).list({ signal: session.host.signal });
  if (items.length === 0)
    return fail(
      'providers',
      'there is none',
      'Apply a ComputeProvider; examples/ has one for this machine. "kriptik up" makes one.',
    );
  const states = items.map((provider) => ({ name: provider.metadata.name, ...readiness(provider) }));
  const ready = states.filter((state) => state.ready);
  if (ready.length > 0) return ok('providers', `ready: ${ready.map(({ name }) => name).join(', ')}`);
  return fail(
    'providers',
    `none is ready. ${states.map(({ name, message }) => `${name}: ${message}`).join(' ')}`,
    'Mend what the provider says: kriptik describe provider/NAME',
  );
}

function readiness(provider: ComputeProvider): { readonly ready: boolean; readonly message: string } {
  const condition = provider.status?.conditions?.find(({ type }) => type === 'Ready');
  if (condition === undefined) return { ready: false, message: 'no operator has looked at it yet; start one.' };
  return { ready: condition.status === 'True', message: condition.message };
}
