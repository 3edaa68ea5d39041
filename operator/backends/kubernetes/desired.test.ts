import { describe, expect, it } from 'vitest';
import { activeDeadlineSeconds, jobOf, secretOf, serviceOf } from './desired.ts';
import { networkPolicyOf } from './desired-network.ts';
import { podTemplate } from './desired-pod.ts';
import { IMAGE, requestFor, settingsFor } from './testing/bench.ts';

const NOW = Date.parse('2026-11-23T10:00:00Z');
const NAME = 'kriptik-0e5a1c3e-1';
const H100 = { gpu: 'H100-SXM-80GB', gpuCount: 8, nodes: 1 };
const settings = settingsFor('training');

type Settings = typeof settings;
type Spec = Settings['spec'];
const withSpec = (spec: Spec): Settings => ({ ...settings, spec: { ...settings.spec, ...spec } });

const job = (request = requestFor(NAME), of = settings) => jobOf(request, of, IMAGE, NOW);
const podOf = (request = requestFor(NAME), of = settings) =>
  (job(request, of).spec['template'] as { spec: object }).spec;
const container = (request = requestFor(NAME), of = settings) =>
  (podOf(request, of) as { containers: object[] }).containers[0];

describe('the Job', () => {
  it('has one pod a machine, none of them ever replaced', () => {
    const two = { gpu: 'cpu', gpuCount: 0, nodes: 2 };
    expect(job(requestFor(NAME, { shape: two })).spec).toMatchObject({
      completionMode: 'Indexed',
      completions: 2,
      parallelism: 2,
      backoffLimit: 0,
      podReplacementPolicy: 'Failed',
    });
    expect(job().spec).not.toHaveProperty('ttlSecondsAfterFinished');
    expect(job().spec).not.toHaveProperty('suspend');
  });

  it('is left to its queue to start', () => {
    const queued = job(requestFor(NAME), withSpec({ queueName: 'gpus' }));
    expect(queued.spec.suspend).toBe(true);
    expect(queued.metadata.labels).toMatchObject({ 'kueue.x-k8s.io/queue-name': 'gpus' });
  });

  it('is owned by its TrainingJob where both are in one namespace', () => {
    const own = { ...settings, namespace: 'team-a' };
    expect(job(requestFor(NAME), own).metadata.ownerReferences).toMatchObject([
      { kind: 'TrainingJob', name: 'helpdesk' },
    ]);
    expect(job().metadata).not.toHaveProperty('ownerReferences');
  });

  it('lies in the namespace of its TrainingJob where the provider names none', () => {
    const { namespace: _, ...none } = settings;
    expect(job(requestFor(NAME), none).metadata.namespace).toBe('team-a');
  });

  it.each([
    { case: 'without a hard deadline', hard: undefined, want: undefined },
    { case: 'the grace before the hard deadline', hard: NOW + 3_600_000, want: 3_570 },
    { case: 'rounded down', hard: NOW + 3_600_999, want: 3_570 },
    { case: 'at once where none is left', hard: NOW + 10_000, want: 1 },
  ])('is ended by the cluster $case', ({ hard, want }) => {
    expect(activeDeadlineSeconds(hard, NOW, 30)).toBe(want);
  });
});

describe('its pods', () => {
  it('ask for the GPUs of their machine on nodes that have the approved one', () => {
    const pod = podOf(requestFor(NAME, { shape: { ...H100, gpuCount: 16, nodes: 2 } }));
    expect(pod).toMatchObject({
      subdomain: NAME,
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [
              {
                matchExpressions: [
                  { key: 'nvidia.com/gpu.product', operator: 'In', values: ['NVIDIA-H100-80GB-HBM3'] },
                ],
              },
            ],
          },
        },
      },
    });
    const asked = { 'nvidia.com/gpu': '8', cpu: '1', memory: '1Gi' };
    expect(container(requestFor(NAME, { shape: { ...H100, gpuCount: 16, nodes: 2 } }))).toMatchObject({
      resources: { requests: asked, limits: asked },
      env: expect.arrayContaining([
        { name: 'KRIPTIK_NODES', value: '2' },
        { name: 'KRIPTIK_PROCESSES', value: '8' },
        { name: 'KRIPTIK_MASTER', value: `${NAME}-0.${NAME}` },
      ]),
    });
  });

  it('ask for no GPU where the plan has none', () => {
    expect(podOf()).not.toHaveProperty('affinity');
    expect(podOf()).not.toHaveProperty('subdomain');
    expect(JSON.stringify(container())).not.toContain('nvidia.com/gpu');
  });

  it('run what was approved, without rights', () => {
    expect(podOf()).toMatchObject({
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: 30,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    });
    expect(container()).toMatchObject({
      image: IMAGE,
      securityContext: {
        readOnlyRootFilesystem: true,
        allowPrivilegeEscalation: false,
        capabilities: { drop: ['ALL'] },
      },
    });
  });

  it('take what the provider says of nodes, classes, volumes and environment', () => {
    const of = withSpec({
      nodeSelector: { pool: 'gpu' },
      tolerations: [{ key: 'gpu', operator: 'Exists' }],
      priorityClassName: 'low',
      runtimeClassName: 'nvidia',
      imagePullSecrets: ['registry'],
      terminationGracePeriodSeconds: 120,
      volumes: [
        { name: 'models', mountPath: '/models', claimName: 'models' },
        { name: 'packages', mountPath: '/opt/packages', hostPath: '/srv/packages', readOnly: false },
      ],
      env: [{ name: 'HF_HOME', value: '/models/hf' }],
    });
    expect(podOf(requestFor(NAME), of)).toMatchObject({
      nodeSelector: { pool: 'gpu' },
      tolerations: [{ key: 'gpu', operator: 'Exists' }],
      priorityClassName: 'low',
      runtimeClassName: 'nvidia',
      imagePullSecrets: [{ name: 'registry' }],
      terminationGracePeriodSeconds: 120,
      volumes: expect.arrayContaining([
        { name: 'user-models', persistentVolumeClaim: { claimName: 'models', readOnly: true } },
        { name: 'user-packages', hostPath: { path: '/srv/packages', type: 'Directory' } },
      ]),
    });
    const env = (container(requestFor(NAME), of) as { env: { name: string; value: string }[] }).env;
    expect(env.filter(({ name }) => name === 'HF_HOME')).toEqual([{ name: 'HF_HOME', value: '/models/hf' }]);
  });

  it('that only read the store back find room beside a trainer that fills its node', () => {
    const of = { ...withSpec({ resources: { cpu: '16', memory: '128Gi' } }), store: { uri: 'pvc://checkpoints/jobs' } };
    const input = { name: 'reader', labels: {}, image: IMAGE, command: ['python'] };
    expect(podTemplate({ ...input, shape: { gpu: 'cpu', gpuCount: 0, nodes: 1 } }, of)).toMatchObject({
      spec: { containers: [{ resources: { requests: { cpu: '100m', memory: '256Mi' } } }] },
    });
  });

  it('mount the claim of a pvc:// store', () => {
    const of = { ...settings, store: { uri: 'pvc://checkpoints/kriptik' } };
    expect(podOf(requestFor(NAME), of)).toMatchObject({
      volumes: expect.arrayContaining([{ name: 'store', persistentVolumeClaim: { claimName: 'checkpoints' } }]),
    });
  });
});

describe('the Secret', () => {
  const store = {
    endpoint: 'http://minio.store:9000',
    region: 'us-east-1',
    pathStyle: true,
    credentials: { accessKeyId: 'key', secretAccessKey: 'very-secret' },
  };
  const decoded = (request = requestFor(NAME, { store })) =>
    Object.fromEntries(
      Object.entries(secretOf(request, settings).data ?? {}).map(([key, text]) => [
        key,
        Buffer.from(text, 'base64').toString(),
      ]),
    );

  it('holds the spec, the token and the keys of the store, each a file', () => {
    const data = decoded();
    expect(data).toMatchObject({
      token: `token-of-${NAME}`,
      's3.accessKeyId': 'key',
      's3.secretAccessKey': 'very-secret',
    });
    expect(JSON.parse(data['spec.json'] ?? '')).toMatchObject({
      attempt: NAME,
      store: {
        s3: {
          endpoint: 'http://minio.store:9000',
          region: 'us-east-1',
          pathStyle: true,
          credentialsDir: '/kriptik/s3',
        },
        scratch: '/scratch',
      },
      control: { host: '0.0.0.0', port: 8080, tokenFile: '/kriptik/token' },
    });
  });

  it('holds the token of the Hub, which pods find by the path of its file', () => {
    const request = requestFor(NAME, { hubToken: 'hf_private' });
    expect(decoded(request)).toMatchObject({ 'hub.token': 'hf_private' });
    expect(podOf(request)).toMatchObject({
      containers: [{ env: expect.arrayContaining([{ name: 'HF_TOKEN_PATH', value: '/kriptik/hub/token' }]) }],
      volumes: expect.arrayContaining([
        expect.objectContaining({
          secret: expect.objectContaining({
            items: expect.arrayContaining([{ key: 'hub.token', path: 'hub/token' }]),
          }),
        }),
      ]),
    });
    expect(decoded()).not.toHaveProperty(['hub.token']);
    expect(JSON.stringify(podOf())).not.toContain('HF_TOKEN');
  });

  it('is the only object that holds a secret', () => {
    const request = requestFor(NAME, { store, hubToken: 'hf_private' });
    const others = [job(request), serviceOf(request, settings), networkPolicyOf(request, settings)];
    expect(JSON.stringify(others)).not.toMatch(/very-secret|token-of|hf_private/);
    expect(decoded(request)['spec.json']).not.toMatch(/very-secret|token-of|hf_private/);
  });
});

describe('the network policy', () => {
  const rules = (of: Settings, request = requestFor(NAME)) =>
    networkPolicyOf(request, of).spec as { ingress: object[]; egress: object[]; policyTypes: string[] };

  it('lets the operator in at the control port, and the pods of the attempt among themselves', () => {
    const { ingress, policyTypes } = rules({ ...settings, podAccess: 'ip' });
    expect(policyTypes).toEqual(['Ingress', 'Egress']);
    expect(ingress).toEqual([
      { from: [{ podSelector: { matchLabels: expect.objectContaining({ 'training.kriptik.ai/attempt': NAME }) } }] },
      {
        ports: [{ port: 8080, protocol: 'TCP' }],
        from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kriptik-system' } } }],
      },
    ]);
  });

  it('lets pods out to DNS, and to the networks of the store at its port and HTTPS', () => {
    const of = withSpec({ storeEgress: ['10.1.0.0/16'] });
    const store = { endpoint: 'http://minio.store:9000', region: 'us-east-1', pathStyle: true };
    expect(rules(of, requestFor(NAME, { store })).egress.slice(1)).toEqual([
      {
        ports: [
          { port: 53, protocol: 'UDP' },
          { port: 53, protocol: 'TCP' },
        ],
      },
      {
        ports: [
          { port: 443, protocol: 'TCP' },
          { port: 9000, protocol: 'TCP' },
        ],
        to: [{ ipBlock: { cidr: '10.1.0.0/16' } }],
      },
    ]);
  });
});
