import {
  errorMessage,
  isApiError,
  isInvalid,
  isNotFound,
  isUnauthorized,
  UnreachableError,
} from '../../runtime/errors.ts';
import { BackendError, isBackendError, misconfigured, noCapacity, outcomeUnknown } from '../errors.ts';

const RBAC = /cannot (\w+) resource "([^"]+)"(?: in API group "([^"]*)")?/;

/**
 * What an error of the API server means for a caller. `namespace` is where it happened, empty for all of them.
 * Anything but an answer that refuses leaves the outcome open.
 */
export const explain = (error: unknown, namespace: string): BackendError => {
  if (isBackendError(error)) return error;
  const message = errorMessage(error);
  if (!isApiError(error)) {
    return outcomeUnknown(
      error instanceof UnreachableError ? message : `the API server was not understood: ${message}`,
      error,
    );
  }
  if (isUnauthorized(error)) {
    return credentialsInvalid(
      `the API server does not know the operator: ${message}`,
      "Renew the operator's kubeconfig or service account.",
      error,
    );
  }
  if (error.status === 403) return forbidden(message, namespace, error);
  if (isNotFound(error) && error.details?.kind === 'namespaces') {
    const remedy = `Create it, or name another in kubernetes.namespace of the ComputeProvider: kubectl create namespace ${namespace}`;
    return misconfigured(`namespace ${namespace} does not exist (${message})`, remedy, error);
  }
  if (isInvalid(error) || error.status === 400 || error.status === 413) {
    return misconfigured(
      `the API server refuses the objects of the attempt: ${message}`,
      'Correct the ComputeProvider.',
      error,
    );
  }
  return outcomeUnknown(message, error);
};

const forbidden = (message: string, namespace: string, cause: unknown): BackendError => {
  if (/exceeded quota|failed quota/.test(message)) {
    return noCapacity(message, `Wait, or raise the ResourceQuota of namespace ${namespace}.`);
  }
  const missing = RBAC.exec(message);
  if (missing !== null) {
    const [, verb, resource, group = ''] = missing;
    const where = namespace === '' ? 'in all namespaces' : `in namespace ${namespace}`;
    const remedy = `Let it ${verb} ${resource}${group === '' ? '' : `.${group}`} ${where}: apply config/rbac/kubernetes.yaml, or bind role kriptik-trainer-runner there.`;
    return credentialsInvalid(`the operator may not ${verb} ${resource} ${where}`, remedy, cause);
  }
  if (/being terminated/.test(message)) {
    return misconfigured(
      `namespace ${namespace} is being deleted`,
      'Create it again, or name another in kubernetes.namespace.',
      cause,
    );
  }
  return misconfigured(
    `the cluster refuses the attempt: ${message}`,
    'Ask who runs the admission policies of the cluster.',
    cause,
  );
};

const credentialsInvalid = (message: string, remedy: string, cause: unknown): BackendError =>
  new BackendError('CredentialsInvalid', message, { remedy, cause });
