import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readSync, statSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CreateBucketCommand, PutBucketPolicyCommand, S3Client } from '@aws-sdk/client-s3';
import { cacheRoot } from '@kriptik/tools/controlplane/binaries/cache.ts';
import { stderrProgress } from '@kriptik/tools/controlplane/binaries/progress.ts';
import { resolvePrograms } from '@kriptik/tools/controlplane/binaries/resolve.ts';
import { freePorts } from '@kriptik/tools/controlplane/ports.ts';
import { createRunDirectory, defaultRunRoot } from '@kriptik/tools/controlplane/processes/rundir.ts';
import { supervise } from '@kriptik/tools/controlplane/processes/supervised.ts';
import { endRecorded } from '@kriptik/tools/controlplane/processes/sweep.ts';
import { waitFor } from './wait.ts';

export interface S3Options {
  /** The address to listen on; that of a node's host, where pods use the server. @default 127.0.0.1 */
  readonly host?: string;
  /** @default kriptik */
  readonly bucket?: string;
}

/** Keys of one user. */
export interface S3Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** A real S3 server (versitygw) with one bucket; objects are files on this machine's disk. */
export interface TestS3 extends S3Keys {
  /** E.g. `http://127.0.0.1:40123`; buckets are in the path. */
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  /** Folder with the objects of the bucket: key `a/b` is the file `a/b`. */
  readonly dir: string;
  /** A user who may list and read the bucket, and write nothing. */
  readonly reader: S3Keys;
  /** A user who may do nothing. */
  readonly stranger: S3Keys;
  /** Ends the server at once; address and objects stay. */
  interrupt(): Promise<void>;
  /** Starts it again. */
  resume(): Promise<void>;
  /** Changes one byte of an object behind the server's back: size and ETag stay. */
  corrupt(key: string): void;
  /** Cuts an object to its first half behind the server's back. */
  truncate(key: string): void;
  stop(): Promise<void>;
}

const run = promisify(execFile);
const REGION = 'us-east-1';

/** Starts an S3 server on a free port; should this process be killed, it ends all the same. */
export async function startS3({ host = '127.0.0.1', bucket = 'kriptik' }: S3Options = {}): Promise<TestS3> {
  const env = process.env;
  const programs = await resolvePrograms(['versitygw'], { cache: cacheRoot(env), env, progress: stderrProgress() });
  const program = programs.get('versitygw')?.path ?? '';
  const directory = await createRunDirectory(defaultRunRoot(), Date.now());
  const supervised = supervise(directory.path, { removeWhenOrphaned: true });
  const data = join(directory.path, 'data');
  const users = join(directory.path, 'users');
  mkdirSync(data);
  mkdirSync(users);
  const root = newKeys();
  const [port = 0] = await freePorts(1);
  const endpoint = `http://${host}:${port}`;
  const serve = async () => {
    const listen = ['--port', `${host}:${port}`, '--region', REGION, '--health', '/health', '--quiet', '--keep-alive'];
    // Users are looked up at each request, so that a change holds at once.
    const accounts = ['--iam-dir', users, '--iam-cache-disable'];
    await supervised.start('versitygw', program, [...listen, ...accounts, 'posix', data], {
      env: { ...env, ROOT_ACCESS_KEY_ID: root.accessKeyId, ROOT_SECRET_ACCESS_KEY: root.secretAccessKey },
    });
    const healthy = () => answers(`${endpoint}/health`);
    await Promise.race([waitFor('the S3 server', healthy), supervised.whenEnded('versitygw')]);
  };
  const stop = async () => {
    await supervised.stop({ graceMs: 0, remove: false });
    await endRecorded(directory.path);
    directory.release();
  };
  try {
    await serve();
    const [reader, stranger] = [newKeys(), newKeys()];
    const addUser = ({ accessKeyId, secretAccessKey }: S3Keys) => {
      const admin = [
        'admin',
        '--access',
        root.accessKeyId,
        '--secret',
        root.secretAccessKey,
        '--endpoint-url',
        endpoint,
      ];
      const user = ['create-user', '--access', accessKeyId, '--secret', secretAccessKey, '--role', 'user'];
      return run(program, [...admin, ...user]);
    };
    await addUser(reader);
    await addUser(stranger);
    await makeBucket({ endpoint, bucket, root, reader });
    const dir = join(data, bucket);
    return {
      ...root,
      endpoint,
      region: REGION,
      bucket,
      dir,
      reader,
      stranger,
      interrupt: () => supervised.endPrograms(['versitygw']),
      resume: serve,
      corrupt: (key) => changeByte(join(dir, key)),
      truncate: (key) => truncateSync(join(dir, key), Math.floor(statSync(join(dir, key)).size / 2)),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Bucket {
  readonly endpoint: string;
  readonly bucket: string;
  readonly root: S3Keys;
  readonly reader: S3Keys;
}

async function makeBucket({ endpoint, bucket, root, reader }: Bucket): Promise<void> {
  const client = new S3Client({ endpoint, region: REGION, forcePathStyle: true, credentials: root });
  try {
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
    const resource = `arn:aws:s3:::${bucket}`;
    const allowed = (Action: readonly string[], Resource: string) => ({
      Effect: 'Allow',
      Principal: { AWS: [reader.accessKeyId] },
      Action,
      Resource,
    });
    const policy = {
      Version: '2012-10-17',
      Statement: [allowed(['s3:ListBucket'], resource), allowed(['s3:GetObject'], `${resource}/*`)],
    };
    await client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy: JSON.stringify(policy) }));
  } finally {
    client.destroy();
  }
}

function newKeys(): S3Keys {
  return { accessKeyId: `user${randomBytes(6).toString('hex')}`, secretAccessKey: randomBytes(20).toString('hex') };
}

async function answers(url: string): Promise<true | undefined> {
  try {
    return (await fetch(url)).ok || undefined;
  } catch {
    return undefined;
  }
}

function changeByte(path: string): void {
  const file = openSync(path, 'r+');
  try {
    const middle = Math.floor(statSync(path).size / 2);
    const byte = Buffer.alloc(1);
    readSync(file, byte, 0, 1, middle);
    byte.writeUInt8(byte.readUInt8() ^ 0xff);
    writeSync(file, byte, 0, 1, middle);
  } finally {
    closeSync(file);
  }
}
