import type { MethodName, Modality } from '@kriptik/crds';
import { z } from 'zod';
import { METHODS, MODALITIES } from './kinds.ts';

/** What a newer trainer can do beyond the kinds that this operator plans is passed over. */
const isKnown = <T extends string>(known: readonly T[], value: string): value is T =>
  (known as readonly string[]).includes(value);

const executor = z.object({
  modality: z.string(),
  methods: z.array(z.string()),
  /** Regular expression of the classes of models. */
  architectures: z.string().min(1).max(1024),
  /** Arguments of trainer/install.sh that add what it lacks. */
  missing: z.string().min(1).max(253).exactOptional(),
  sharded: z.boolean().exactOptional(),
});

/** Answer of the trainer's command `capabilities`. */
export const capabilities = z
  .object({
    trainer: z.string().min(1).max(64),
    executors: z.array(executor).max(64),
    stages: z.boolean().exactOptional(),
  })
  .transform(
    ({ trainer, executors, stages }): TrainerCapabilities => ({
      version: trainer,
      ...(stages !== undefined && { stages }),
      executors: executors.flatMap(({ modality, methods, ...rest }) => {
        const known = methods.filter((method) => isKnown(METHODS, method));
        return isKnown(MODALITIES, modality) && known.length > 0 ? [{ modality, methods: known, ...rest }] : [];
      }),
    }),
  );

/** Methods for one kind of model. */
export type Executor = {
  modality: Modality;
  methods: MethodName[];
  architectures: string;
  missing?: string;
  /** Whether it trains them with a shard of the model on each of several GPUs; absent = it does not. */
  sharded?: boolean;
};

/** What a trainer can do, with what is installed where it runs. */
export type TrainerCapabilities = {
  version: string;
  executors: Executor[];
  /** Whether it trains the stages of a plan one after the other; absent = it does not. */
  stages?: boolean;
};
