import { advice } from './remedies.ts';
import type { Detector, Remedy, Symptoms, Verdict } from './types.ts';

/** What to do where a job does not start, by the reason of its Ready condition. */
const WAYS_OUT: Readonly<Record<string, readonly [Remedy, ...Remedy[]]>> = {
  NoSuchGpu: [
    advice('Choose a GPU that the nodes or the region have: edit spec.selection.gpu of a new plan'),
    advice(
      'Label the nodes with their GPU, or name their products in spec.kubernetes.gpuProducts of the ComputeProvider',
    ),
  ],
  InsufficientCapacity: [
    advice('Wait: it starts by itself when enough is free'),
    advice('Add a provider to the plan, or choose another GPU or region, and approve that', true),
  ],
  NoCapacity: [
    advice('Wait: the approved providers are tried again by themselves'),
    advice('Add a provider to the plan, or choose another GPU or region, and approve that', true),
  ],
  QuotaExceeded: [advice('Ask for a larger ResourceQuota in the namespace of the pods, or end what else uses it')],
  Unschedulable: [
    advice('Compare nodeSelector and tolerations of the ComputeProvider with the labels and taints of the nodes'),
  ],
  ImagePull: [
    advice(
      'Check spec.kubernetes.image and imagePullSecrets of the ComputeProvider, and that nodes reach the registry',
    ),
  ],
  NotReady: [advice('Look at the events of the pods: a volume, a Secret or the sandbox is missing')],
  NoProviderReady: [
    advice('Mend what the provider says: kriptik describe provider/NAME'),
    advice('Check its credentials: the Secret of spec.credentialsRef'),
  ],
  CredentialsMissing: [
    advice(
      'Create the Secret that the message names with the keys it names: spec.credentialsRef, spec.store.credentialsRef or spec.kubernetes.hubTokenRef of the ComputeProvider says which',
    ),
    advice('Let the operator read it: the Role of its namespace lists the Secrets it may get'),
  ],
  CredentialsInvalid: [advice('Replace the credentials in the Secret of spec.credentialsRef of the ComputeProvider')],
  PriceAboveApproval: [advice('Wait for the price'), advice('Approve a new plan with the new price', true)],
  StoreOutOfReach: [
    advice('Make the provider ready again whose store holds the work; or use an s3:// store, which all can reach'),
  ],
  StoreUnreachable: [advice('Check that the operator reaches the endpoint of the store')],
  StoreForbidden: [advice('Give the keys of spec.store.credentialsRef the right to list, read and write the bucket')],
  StoreCredentials: [advice('Replace the keys in the Secret of spec.store.credentialsRef')],
  StoreMissing: [advice('Create the bucket, or the ComputeProvider, that holds the work')],
  StoreMoved: [advice('Set spec.store of the ComputeProvider back')],
  StoreMisconfigured: [advice('Correct spec.store of the ComputeProvider')],
};

/** A frozen job that never trained was given too little to begin with. */
function tooLittle({ situation, budget, status }: Symptoms): Verdict {
  if (situation.kind !== 'Frozen' || Number(budget.spent) > 0 || status !== undefined) return undefined;
  return {
    code: 'WontStart',
    severity: 'Error',
    message: `The budget of $${budget.limit} is too small to start, save and stop in an orderly way`,
    evidence: [`$${budget.spent} of $${budget.limit} spent`],
    remedies: [advice('Raise the budget: kriptik raise', true), advice('Choose a cheaper GPU in a new plan')],
  };
}

/** Approved, and nothing runs: why, and what to do. It is over only when something runs. */
function wontStart(symptoms: Symptoms): Verdict {
  const { situation } = symptoms;
  if (situation.kind === 'Running' || situation.kind === 'Succeeded' || situation.kind === 'Paused') return 'clear';
  if (situation.kind !== 'Pending' && situation.kind !== 'Provisioning') return tooLittle(symptoms);
  const reason = situation.reason ?? '';
  const remedies = WAYS_OUT[reason];
  if (remedies === undefined) return undefined;
  return {
    code: 'WontStart',
    severity: 'Warning',
    cause: reason,
    message: `It does not start: ${reason}`,
    evidence: [situation.message.slice(0, 512)],
    remedies,
  };
}

export const startDetector: Detector = { code: 'WontStart', detect: wontStart };
