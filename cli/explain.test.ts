import { ApiError, type StatusDetails, UnreachableError } from '@kriptik/operator/runtime/errors.ts';
import { KubeConfigError } from '@kriptik/operator/runtime/kubeconfig.ts';
import { describe, expect, it } from 'vitest';
import { CliError, renderFault } from './errors.ts';
import { EXIT } from './exitcodes.ts';
import { explain } from './explain.ts';
import { grantCommands } from './grants.ts';
import { plainStyle } from './render/style.ts';

const api = (status: number, reason: string, message: string, details?: StatusDetails): ApiError =>
  new ApiError({ status, reason, message, details });

const systemError = (code: string, path?: string): Error =>
  Object.assign(new Error(code), { code, ...(path === undefined ? {} : { path }) });

describe('explain', () => {
  it.each([
    {
      name: 'an API server that is not there',
      error: new UnreachableError(
        'GET /version at https://127.0.0.1:6443: nothing listens there. Start the cluster, or check the server address in the kubeconfig.',
        'ECONNREFUSED',
      ),
      code: EXIT.unreachable,
      what: 'no API server answered: nothing listens there',
      remedy: 'kriptik up',
    },
    {
      name: 'a kubeconfig that does not exist',
      error: new KubeConfigError('kubeconfig /x (from the given path) does not exist. Check the path.'),
      code: EXIT.notFound,
      what: 'kubeconfig /x (from the given path) does not exist',
      remedy: 'Check the path.',
    },
    {
      name: 'a context that is not in the file',
      error: new KubeConfigError('kubeconfig /x has no context "prod". It has: dev, test.'),
      code: EXIT.notFound,
      what: 'kubeconfig /x has no context "prod"',
      remedy: 'It has: dev, test.',
    },
    {
      name: 'a cluster without our kinds',
      error: api(404, 'NotFound', 'GET /apis/training.kriptik.ai/v1alpha1/traininggoals: HTTP 404: 404 page not found'),
      code: EXIT.error,
      what: 'its CRDs are missing or older than this program',
      remedy: 'kubectl apply --server-side -f "crds/*.yaml"',
    },
    {
      name: 'an object that is not there',
      error: api(404, 'NotFound', 'x', { name: 'helpdesk', kind: 'traininggoals' }),
      code: EXIT.notFound,
      what: 'traininggoals "helpdesk" does not exist',
      remedy: 'kriptik get',
    },
    {
      name: 'a missing verb',
      error: api(
        403,
        'Forbidden',
        'trainingplans.training.kriptik.ai "p" is forbidden: User "ann" cannot patch resource "trainingplans/status" in API group "training.kriptik.ai" in the namespace "team"',
      ),
      code: EXIT.refused,
      what: 'user "ann" lacks the verb "patch" on trainingplans/status in namespace team',
      remedy: 'kubectl create rolebinding kriptik-approver --clusterrole=kriptik-approver --user=ann -n team',
    },
    {
      name: 'a policy that says no and how to mend it',
      error: api(
        403,
        'Forbidden',
        `trainingplans.training.kriptik.ai "p" is forbidden: ValidatingAdmissionPolicy 'plan-approval.training.kriptik.ai' with binding 'b' denied request: user "ann" may not decide on TrainingPlan team/p: this needs the verb "approve". Ask for the ClusterRole kriptik-approver: kubectl -n team create rolebinding x`,
      ),
      code: EXIT.refused,
      what: 'user "ann" may not decide on TrainingPlan team/p: this needs the verb "approve"',
      remedy: 'kubectl -n team create rolebinding x',
    },
    {
      name: 'a policy without a remedy of its own',
      error: api(422, 'Invalid', `x: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no`),
      code: EXIT.refused,
      what: 'no',
      remedy: 'policy "p" decides this',
    },
    {
      name: 'credentials that are not accepted',
      error: api(401, 'Unauthorized', 'Unauthorized'),
      code: EXIT.refused,
      what: 'does not accept these credentials',
      remedy: 'Log in again',
    },
    {
      name: 'a change made at the same time',
      error: api(409, 'Conflict', 'the object has been modified', { name: 'p', kind: 'trainingplans' }),
      code: EXIT.conflict,
      what: 'changed by somebody else',
      remedy: 'repeat the command',
    },
    {
      name: 'fields of another manager',
      error: api(409, 'Conflict', 'Apply failed', {
        name: 'g',
        causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "argocd"', field: '.spec.budget.limit' }],
      }),
      code: EXIT.conflict,
      what: 'another manager owns fields',
      remedy: '--force-conflicts',
    },
    {
      name: 'an object that breaks a rule',
      error: api(422, 'Invalid', 'x', {
        name: 'g',
        causes: [{ message: 'must be lower than warnAt', field: 'spec.budget' }],
      }),
      code: EXIT.usage,
      what: 'the API server refuses the object',
      remedy: 'kubectl explain',
    },
    {
      name: 'a server in trouble',
      error: api(503, 'ServiceUnavailable', 'etcd is down'),
      code: EXIT.error,
      what: '503 ServiceUnavailable: etcd is down',
      remedy: 'Try again',
    },
    {
      name: 'a file that is missing',
      error: systemError('ENOENT', '/x/goal.yaml'),
      code: EXIT.notFound,
      what: 'no such file',
      remedy: 'Check the path.',
    },
    {
      name: 'a full disk',
      error: systemError('ENOSPC', '/x'),
      code: EXIT.error,
      what: 'the disk is full',
      remedy: 'Free some space',
    },
    {
      name: 'a port that is taken',
      error: systemError('EADDRINUSE'),
      code: EXIT.error,
      what: 'the port is taken',
      remedy: 'another port',
    },
    {
      name: 'Ctrl-C',
      error: new DOMException('interrupted', 'AbortError'),
      code: EXIT.interrupted,
      what: 'interrupted',
      remedy: 'again',
    },
    { name: 'something unforeseen', error: new Error('odd'), code: EXIT.error, what: 'odd', remedy: 'KRIPTIK_DEBUG=1' },
  ])('tells $name with what, and what to do', ({ error, code, what, remedy }) => {
    const explained = explain(error, { server: 'https://127.0.0.1:6443' });
    expect(explained.code).toBe(code);
    expect(explained.fault.what).toContain(what);
    expect(explained.fault.remedy.join('\n')).toContain(remedy);
  });

  it('lists every field the server names', () => {
    const causes = [
      { message: 'too small', field: 'spec.a' },
      { message: 'too large', field: 'spec.b' },
    ];
    expect(explain(api(422, 'Invalid', 'x', { causes })).fault.details).toEqual([
      'spec.a: too small',
      'spec.b: too large',
    ]);
  });

  it('leaves what is already explained alone', () => {
    const error = new CliError(EXIT.timeout, { what: 'late', remedy: [] });
    expect(explain(error)).toBe(error);
  });
});

describe('renderFault', () => {
  it('says what, each detail, where and what to do, in this order', () => {
    const text = renderFault(
      { what: 'bad', where: 'goal.yaml:3', details: ['a', 'b'], remedy: ['do this', 'then that'] },
      plainStyle,
    );
    expect(text).toBe('error: bad\n  - a\n  - b\n  where: goal.yaml:3\n  fix:   do this\n         then that\n');
  });
});

describe('grantCommands', () => {
  it('binds a role of ours where one holds the right', () => {
    expect(
      grantCommands({ user: 'ann', verb: 'approve', resource: 'trainingplans.training.kriptik.ai', namespace: 'team' }),
    ).toEqual(['kubectl create rolebinding kriptik-approver --clusterrole=kriptik-approver --user=ann -n team']);
  });

  it('makes a role for anything else', () => {
    expect(grantCommands({ user: 'ann', verb: 'list', resource: 'events' })).toEqual([
      'kubectl create clusterrole kriptik-list-events --verb=list --resource=events',
      'kubectl create clusterrolebinding kriptik-list-events --clusterrole=kriptik-list-events --user=ann',
    ]);
  });
});
