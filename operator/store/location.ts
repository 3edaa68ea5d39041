/** Keys of an S3 account. Never logged, never written to status. */
export type S3Credentials = {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
};

/** How an S3 bucket is reached. Absent credentials: those of the environment (an instance role, workload identity). */
export type S3Access = {
  /** Base URL of the service; absent for AWS. */
  endpoint?: string;
  region: string;
  /** Bucket in the path, not in the host name: what most servers other than AWS want. */
  pathStyle: boolean;
  credentials?: S3Credentials;
};
