import { X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createAuthority } from '@kriptik/tools/controlplane/pki.ts';
import { beforeAll, describe, expect, it } from 'vitest';
import { kubeconfigPath } from '../../support/controlplane.ts';
import { usePlace } from './program.ts';

interface Kubeconfig {
  clusters: { name: string; cluster: Record<string, unknown> }[];
  users: { name: string; user: Record<string, unknown> }[];
  contexts: { name: string; context: { cluster: string; user: string } }[];
  'current-context': string;
}

const place = usePlace();
const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** The kubeconfig of the real API server of this run, changed. */
function kubeconfig(change: (config: Kubeconfig) => void): Kubeconfig {
  const config = JSON.parse(readFileSync(kubeconfigPath(), 'utf8')) as Kubeconfig;
  change(config);
  return config;
}

const cluster = (config: Kubeconfig): Record<string, unknown> => config.clusters[0]?.cluster ?? {};
const user = (value: Record<string, unknown>) => (config: Kubeconfig) => {
  config.users = config.users.map(({ name }) => ({ name, user: value }));
};

let foreign: string;
beforeAll(async () => {
  foreign = (await createAuthority('another cluster', Date.now())).cert;
});

interface Case {
  readonly what: string;
  readonly file: () => string | object;
  readonly code: number;
  /** In the order of the output: what is wrong, and what to do. */
  readonly says: readonly string[];
}

const CASES: readonly Case[] = [
  {
    what: 'that is not YAML',
    file: () => '{ not: [yaml',
    code: 1,
    says: [
      'kubeconfig',
      '(from KUBECONFIG) is not a valid kubeconfig: unexpected end',
      'fix:',
      'Compare it with the output of "kubectl config view".',
    ],
  },
  {
    what: 'without any context',
    file: () => ({ apiVersion: 'v1', kind: 'Config', clusters: [] }),
    code: 3,
    says: ['has no current context', 'It has no contexts: fetch it again from who runs the cluster.'],
  },
  {
    what: 'without the context that it names',
    file: () => kubeconfig((config) => Object.assign(config, { 'current-context': 'gone' })),
    code: 3,
    says: ['has no context "gone"', 'Choose one with --context or "kubectl config use-context NAME".'],
  },
  {
    what: 'whose context names no cluster of it',
    file: () => kubeconfig((config) => Object.assign(config, { clusters: [] })),
    code: 1,
    says: ['names a cluster that is not in the file', 'correct the context, or fetch the kubeconfig again.'],
  },
  {
    what: 'that points to a port where nothing listens',
    file: () => kubeconfig((config) => Object.assign(cluster(config), { server: 'https://127.0.0.1:1' })),
    code: 7,
    says: [
      'no API server answered: nothing listens there',
      'where: https://127.0.0.1:1',
      'Start a control plane on this machine with "kriptik up"',
    ],
  },
  {
    what: 'that points to a name nobody knows',
    file: () => kubeconfig((config) => Object.assign(cluster(config), { server: 'https://no-such-host.invalid:6443' })),
    code: 7,
    says: [
      'no API server answered',
      'where: https://no-such-host.invalid:6443',
      'choose another cluster with --kubeconfig or --context',
    ],
  },
  {
    what: 'with the CA of another cluster',
    file: () =>
      kubeconfig((config) => Object.assign(cluster(config), { 'certificate-authority-data': base64(foreign) })),
    code: 7,
    says: [
      "the server's certificate is not signed by the CA in the kubeconfig",
      'where: https://127.0.0.1',
      'Fetch a new kubeconfig.',
    ],
  },
  {
    what: 'with a token nobody knows',
    file: () => kubeconfig(user({ token: 'old' })),
    code: 4,
    says: ['the API server does not accept these credentials', 'where: https://127.0.0.1', 'fetch a new kubeconfig'],
  },
  {
    what: 'that names a certificate which is not there',
    file: () =>
      kubeconfig(user({ 'client-certificate': '/nonexistent/cert.pem', 'client-key': '/nonexistent/key.pem' })),
    code: 1,
    says: ['cannot read /nonexistent/cert.pem named by the kubeconfig', 'Fix the path or its permissions.'],
  },
  {
    what: 'whose credential plugin is not installed',
    file: () =>
      kubeconfig(
        user({
          exec: { apiVersion: 'client.authentication.k8s.io/v1', command: 'no-such-plugin', interactiveMode: 'Never' },
        }),
      ),
    code: 1,
    says: ['credential plugin "no-such-plugin"', 'Run it by hand to see why.'],
  },
];

/** That the parts stand in the text, each after the one before. */
function expectInOrder(text: string, parts: readonly string[]): void {
  let from = 0;
  for (const part of parts) {
    const at = text.indexOf(part, from);
    expect(at, `"${part}" after character ${from} of:\n${text}`).toBeGreaterThanOrEqual(from);
    from = at + part.length;
  }
}

describe('a kubeconfig', () => {
  it.each(CASES)('$what: get says what, where and what to do', async ({ file, code, says }) => {
    const path = place.write('kubeconfig', file());
    const ran = await place.kriptik(['get', 'goals'], { KUBECONFIG: path });
    expectInOrder(ran.err, ['error: ', ...says]);
    expect(ran).toMatchObject({ code, out: '' });
    expect(ran.err).not.toMatch(/\n\s+at |undefined|\[object/);
  });

  it('that does not exist, or is a folder', async () => {
    mkdirSync(join(place.folder, 'folder'), { recursive: true });
    const gone = await place.kriptik(['get', 'goals'], { KUBECONFIG: join(place.folder, 'gone') });
    expectInOrder(gone.err, ['(from KUBECONFIG) does not exist', 'fix:', 'Check the path.', '"kriptik up" starts one']);
    expect(gone.code).toBe(3);
    const folder = await place.kriptik(['get', 'goals'], { KUBECONFIG: join(place.folder, 'folder') });
    expectInOrder(folder.err, ['is a folder', 'Name the file in it.']);
  });

  it('that nobody gave: says how to give one', async () => {
    const ran = await place.kriptik(['get', 'goals']);
    expect(ran.code).toBe(3);
    expectInOrder(ran.err, [
      'no Kubernetes cluster configured',
      'Set KUBECONFIG to a kubeconfig file',
      '"kriptik up" starts one on this machine.',
    ]);
  });

  it('lets version still tell the version, and doctor name the part that is out of order', async () => {
    const path = place.write(
      'closed',
      kubeconfig((config) => Object.assign(cluster(config), { server: 'https://127.0.0.1:1' })),
    );
    const version = await place.kriptik(['version'], { KUBECONFIG: path });
    expect(version).toMatchObject({ code: 0, err: 'No cluster answers: only the version of this program is shown.\n' });
    const doctor = await place.kriptik(['doctor'], { KUBECONFIG: path });
    expect(doctor.code).toBe(1);
    expectInOrder(doctor.out, [
      'ok    kubeconfig',
      'FAIL  api server',
      'nothing listens there',
      'fix: Start a control plane',
    ]);
    expect(doctor.err).toContain('not in order: api server');
  });

  it('ends the operator with one line that says the same, and no stack', async () => {
    const table: readonly [() => string | object, string][] = [
      [() => '{ not: [yaml', 'is not a valid kubeconfig'],
      [
        () => kubeconfig((config) => Object.assign(cluster(config), { server: 'https://127.0.0.1:1' })),
        'nothing listens there. Start the cluster, or check the server address in the kubeconfig.',
      ],
      [
        () => kubeconfig((config) => Object.assign(cluster(config), { 'certificate-authority-data': base64(foreign) })),
        'is not signed by the CA in the kubeconfig. Fetch a new kubeconfig.',
      ],
    ];
    for (const [file, says] of table) {
      const ran = await place.operator({ KUBECONFIG: place.write('kubeconfig', file()) });
      expect(ran.code).toBe(1);
      expect(ran.err).toContain(says);
      expect(ran.err.trim().split('\n')).toHaveLength(1);
    }
  });

  it('was tried with a certificate of another authority', () => {
    expect(new X509Certificate(foreign).subject).toContain('another cluster');
  });
});
