import { annotations, type Cost, type TrainingJob, type TrainingReceipt } from '@kriptik/crds';
import { describe, expect, it } from 'vitest';
import { makeGoal, makeJob, makePlan, makeReceipt, START, time } from '../../test/support/builders.ts';
import { parseMoney } from '../money.ts';
import { ApiError } from '../runtime/errors.ts';
import type { KubeObject, ObjectKey } from '../runtime/types.ts';
import { letJobGo, spentByGoneNow } from './receipt.ts';

const NOW = START + 7_200_000;
const refused = (status: number, reason: string, cause?: string): ApiError =>
  new ApiError({
    status,
    reason,
    message: reason,
    details: { causes: cause === undefined ? [] : [{ reason: cause }] },
  });

/** The little of an API server that matters here; notes what is written, in order. */
class Server {
  readonly written: string[] = [];
  job: TrainingJob | undefined;
  receipts: TrainingReceipt[] = [];
  createFails: ApiError | undefined;

  constructor(job: TrainingJob, receipts: TrainingReceipt[] = []) {
    this.job = job;
    this.receipts = receipts;
  }

  deps(goals: readonly KubeObject[] = []) {
    const find = ({ name }: ObjectKey): TrainingReceipt => {
      const found = this.receipts.find(({ metadata }) => metadata.name === name);
      if (found === undefined) throw refused(404, 'NotFound');
      return found;
    };
    const client = {
      get: async () => {
        if (this.job === undefined) throw refused(404, 'NotFound');
        return this.job;
      },
      patch: async (_key: ObjectKey, { metadata }: { metadata: { finalizers: string[] } }) => {
        this.written.push(`finalizers ${metadata.finalizers.join()}`);
        return this.job;
      },
    };
    const receiptClient = {
      create: async (receipt: TrainingReceipt) => {
        if (this.createFails !== undefined) throw this.createFails;
        if (this.receipts.some(({ metadata }) => metadata.name === receipt.metadata.name))
          throw refused(409, 'AlreadyExists');
        this.written.push(`create ${receipt.spec.spent}`);
        this.receipts.push(receipt);
      },
      get: async (key: ObjectKey) => find(key),
      patch: async (key: ObjectKey, { spec }: Pick<TrainingReceipt, 'spec'>) => {
        this.written.push(`patch ${spec.spent}`);
        find(key).spec = spec;
      },
      delete: async (key: ObjectKey) => void this.written.push(`delete ${find(key).metadata.name}`),
      list: async () => ({ items: this.receipts }),
    };
    const cache = (items: readonly KubeObject[]) => ({
      list: () => items,
      byIndex: () => items,
      get: ({ name }: ObjectKey) => items.find(({ metadata }) => metadata.name === name),
    });
    return { client, receiptClient, receipts: cache(this.receipts), goals: cache(goals), jobs: cache([]) } as never;
  }
}

const deleted = makeJob(makePlan().approved().obj()).deleted();
const ran = deleted.attempt('Gone', { createdAt: time(0), goneAt: time(3_600) }).obj();
const go = async (server: Server, job = server.job ?? ran): Promise<string[]> => {
  await letJobGo(server.deps(), job, NOW);
  return server.written;
};

describe('a deleted job', () => {
  it('is let go once what it spent is written down', async () => {
    expect(await go(new Server(ran))).toEqual(['create 6.60', 'finalizers ']);
  });

  it('leaves one receipt, whatever crashed before', async () => {
    expect(await go(new Server(ran, [makeReceipt(ran, NOW)]))).toEqual(['finalizers ']);
  });

  it('has more written where more came to be known, and never less', async () => {
    const half = deleted.attempt('Gone', { createdAt: time(0), goneAt: time(1_800) }).obj();
    expect(await go(new Server(ran, [makeReceipt(half, NOW)]))).toEqual(['patch 6.60', 'finalizers ']);
    expect(await go(new Server(half, [makeReceipt(ran, NOW)]))).toEqual(['finalizers ']);
  });

  it('leaves none where it never began an attempt', async () => {
    expect(await go(new Server(deleted.obj()))).toEqual(['finalizers ']);
  });

  it('stays while its receipt cannot be written', async () => {
    const server = new Server(ran);
    server.createFails = refused(500, 'InternalError');
    await expect(go(server)).rejects.toThrow('InternalError');
    expect(server.written).toEqual([]);
  });

  it('goes with its namespace, which takes no receipts any more', async () => {
    const server = new Server(ran);
    server.createFails = refused(403, 'Forbidden', 'NamespaceTerminating');
    expect(await go(server)).toEqual(['finalizers ']);
  });

  it('stays where an attempt is on record that the decision did not know of', async () => {
    const live = deleted.attempt('Running').obj();
    expect(await go(new Server(live), ran)).toEqual([]);
  });

  it('goes with an attempt that a person let go, all it may still spend counted', async () => {
    const cost = { spent: '1.00', limit: '20.00', asOf: time(60) } as Cost;
    const live = deleted
      .attempt('Running')
      .status({ cost })
      .meta({ annotations: { [annotations.letGo]: 'kriptik-0e5a1c3e-1' } });
    expect(await go(new Server(live.obj()))).toEqual(['create 20.00', 'finalizers ']);
  });

  it('is another one than a new job of the same name', async () => {
    const other = { ...ran, metadata: { ...ran.metadata, uid: 'another' } };
    expect(await go(new Server(other), ran)).toEqual([]);
  });

  it('takes the receipts with it that are old and of goals that are gone', async () => {
    const old = makeReceipt({ ...ran, metadata: { ...ran.metadata, uid: 'old' } }, NOW - 401 * 86_400_000);
    old.spec.until = new Date(NOW - 401 * 86_400_000).toISOString();
    const server = new Server(ran, [old]);
    expect(await go(server)).toEqual(['create 6.60', 'delete old', 'finalizers ']);
    const kept = new Server(ran, [old]);
    await letJobGo(kept.deps([makeGoal().obj()]), ran, NOW);
    expect(kept.written).toEqual(['create 6.60', 'finalizers ']);
  });
});

it('is asked of the API server what deleted jobs took from a budget', async () => {
  const server = new Server(ran, [makeReceipt({ ...ran, metadata: { ...ran.metadata, uid: 'gone' } }, NOW)]);
  expect(await spentByGoneNow(server.deps(), ran)).toBe(parseMoney('6.60'));
});
