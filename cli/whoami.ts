import type { Session } from './session.ts';

interface SelfSubjectReview {
  readonly status?: { readonly userInfo?: { readonly username?: string; readonly groups?: readonly string[] } };
}

/** The name the API server knows this caller by; an approval must carry exactly it. */
export async function whoAmI(session: Session): Promise<string> {
  const review = await session.client.raw<SelfSubjectReview>(
    'POST',
    '/apis/authentication.k8s.io/v1/selfsubjectreviews',
    {
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
      signal: session.host.signal,
    },
  );
  return review.status?.userInfo?.username ?? '';
}

export interface Permission {
  readonly verb: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly group: string;
  readonly namespace?: string | undefined;
  readonly name?: string;
}

/** Whether this caller may do one thing. */
export async function canI(session: Session, permission: Permission): Promise<boolean> {
  const review = await session.client.raw<{ status?: { allowed?: boolean } }>(
    'POST',
    '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    {
      body: {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: { resourceAttributes: permission },
      },
      signal: session.host.signal,
    },
  );
  return review.status?.allowed === true;
}
