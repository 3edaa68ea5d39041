import { createHash, randomBytes } from 'node:crypto';
import { DeleteObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { S3Access } from '@kriptik/operator/store/location.ts';
import type { CheckpointRef } from '@kriptik/operator/store/store.ts';
import type { S3Keys, TestS3 } from './s3.ts';

/** How a store reaches the test server with some keys, its owner's unless others are given. */
export function accessTo({ endpoint, region, accessKeyId, secretAccessKey }: TestS3, keys?: S3Keys): S3Access {
  return { endpoint, region, pathStyle: true, credentials: keys ?? { accessKeyId, secretAccessKey } };
}

/** Writes to a bucket what a trainer would, and what it never would. */
export class S3Writer {
  readonly #client: S3Client;
  readonly #bucket: string;

  constructor(server: TestS3) {
    const { accessKeyId, secretAccessKey, endpoint, region } = server;
    this.#bucket = server.bucket;
    this.#client = new S3Client({
      endpoint,
      region,
      forcePathStyle: true,
      credentials: { accessKeyId, secretAccessKey },
    });
  }

  async put(key: string, body: string | Buffer): Promise<void> {
    await this.#client.send(new PutObjectCommand({ Bucket: this.#bucket, Key: key, Body: body }));
  }

  async delete(key: string): Promise<void> {
    await this.#client.send(new DeleteObjectCommand({ Bucket: this.#bucket, Key: key }));
  }

  /** A checkpoint or artifact in a folder of its own below `below`, its manifest last. */
  async save(
    below: string,
    { name, step, files, attempt = 'kriptik-1-1', createdAt = new Date().toISOString() }: SavedFolder,
  ): Promise<CheckpointRef> {
    const folder = `${below}/${name}.${randomBytes(4).toString('hex')}`;
    const left = Object.entries(files);
    const put = async (): Promise<void> => {
      for (let next = left.shift(); next !== undefined; next = left.shift())
        await this.put(`${folder}/${next[0]}`, next[1]);
    };
    await Promise.all(Array.from({ length: 32 }, put));
    const listed = Object.entries(files).map(([path, content]) => ({
      path,
      size: Buffer.byteLength(content),
      sha256: sha256(content),
    }));
    const kind = below.endsWith('artifacts') ? 'artifact' : 'checkpoint';
    const manifest = JSON.stringify({ format: 1, kind, step, attempt, createdAt, files: listed });
    await this.put(`${folder}/MANIFEST.json`, manifest);
    const sizeBytes = listed.reduce((sum, file) => sum + file.size, 0);
    const uri = `s3://${this.#bucket}/${folder}`;
    return { step, uri, manifestSha256: sha256(manifest), sizeBytes, createdAt, attempt };
  }

  close(): void {
    this.#client.destroy();
  }
}

export interface SavedFolder {
  readonly name: string;
  readonly step: number;
  readonly files: Readonly<Record<string, string | Buffer>>;
  readonly attempt?: string;
  readonly createdAt?: string;
}

function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}
