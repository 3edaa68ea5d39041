import { GROUP } from './resources.ts';

export interface Grant {
  readonly user: string;
  readonly verb: string;
  /** `PLURAL.GROUP` or `PLURAL.GROUP/SUBRESOURCE`. */
  readonly resource: string;
  readonly namespace?: string | undefined;
}

/** kubectl commands that give `user` one right: through a role of ours where one holds it, else through a role of its own. */
export function grantCommands(grant: Grant): string[] {
  const { user, verb, resource, namespace } = grant;
  const scope = namespace === undefined ? '' : ` -n ${namespace}`;
  const binding = namespace === undefined ? 'clusterrolebinding' : 'rolebinding';
  const ours = roleWith(verb, resource);
  if (ours !== undefined) return [`kubectl create ${binding} ${ours} --clusterrole=${ours} --user=${user}${scope}`];
  const name = `kriptik-${verb}-${resource.split(/[./]/)[0] ?? resource}`;
  const kind = namespace === undefined ? 'clusterrole' : 'role';
  return [
    `kubectl create ${kind} ${name} --verb=${verb} --resource=${resource}${scope}`,
    `kubectl create ${binding} ${name} --${kind}=${name} --user=${user}${scope}`,
  ];
}

/** The role of config/rbac that holds a right on our kinds. */
function roleWith(verb: string, resource: string): string | undefined {
  if (!resource.includes(GROUP)) return undefined;
  if (verb === 'approve' || resource === `trainingplans.${GROUP}/status`) return 'kriptik-approver';
  if (verb === 'raise') return 'kriptik-budget-owner';
  if (['get', 'list', 'watch'].includes(verb)) return 'kriptik-viewer';
  return /^training(goals|plans|jobs)\./.test(resource) ? 'kriptik-editor' : undefined;
}
