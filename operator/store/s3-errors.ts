import { StoreError } from './errors.ts';

const BAD_CREDENTIALS = new Set([
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'ExpiredToken',
  'InvalidToken',
  'TokenRefreshRequired',
  'InvalidSecurity',
  'RequestTimeTooSkewed',
  'CredentialsProviderError',
]);
const ABSENT = new Set(['NoSuchKey', 'NotFound']);
const WRONG_PLACE = new Set(['PermanentRedirect', 'AuthorizationHeaderMalformed', 'InvalidBucketName']);

type Answer = { name: string; status: number; message: string };

const answerOf = (error: unknown): Answer => {
  if (!(error instanceof Error)) return { name: '', status: 0, message: String(error) };
  const metadata = '$metadata' in error ? error.$metadata : undefined;
  const status =
    typeof metadata === 'object' && metadata !== null && 'httpStatusCode' in metadata
      ? Number(metadata.httpStatusCode)
      : 0;
  return { name: error.name, status, message: error.message.split('\n')[0]?.slice(0, 300) ?? '' };
};

/** Whether an error of the client says only that there is no such object, or nothing in it. */
export const isAbsent = (error: unknown): boolean => {
  const { name, status } = answerOf(error);
  return ABSENT.has(name) || status === 416 || (status === 404 && name !== 'NoSuchBucket');
};

/** Whether an object is not any more what it was when it was listed. */
export const isChanged = (error: unknown): boolean => answerOf(error).status === 412;

/** The error to throw for one of the client; `where` is a URI. Never holds a key. */
export const storeErrorOf = (error: unknown, where: string): StoreError => {
  if (error instanceof StoreError) return error;
  const { name, status, message } = answerOf(error);
  const told = `${where}: ${name === '' || name === 'Error' ? message : `${name}: ${message}`}`;
  const options = { cause: error };
  if (name === 'NoSuchBucket') {
    const remedy = 'create the bucket, or correct spec.store of the ComputeProvider';
    return new StoreError('BucketMissing', told, remedy, options);
  }
  if (BAD_CREDENTIALS.has(name)) {
    const remedy = "correct the keys in the Secret that the store's credentialsRef names";
    return new StoreError('BadCredentials', told, remedy, options);
  }
  if (WRONG_PLACE.has(name) || status === 301 || (error instanceof TypeError && message.includes('URL'))) {
    const remedy = 'correct uri, region, endpoint or pathStyle in spec.store of the ComputeProvider';
    return new StoreError('Misconfigured', told, remedy, options);
  }
  if (status === 401 || status === 403) {
    const remedy = "grant the store's keys s3:ListBucket and s3:GetObject below its prefix";
    return new StoreError('Forbidden', told, remedy, options);
  }
  return new StoreError('Unreachable', told, 'check that the endpoint of the store answers from the cluster', options);
};
