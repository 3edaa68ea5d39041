export type * from './metadata.ts';
export * from './resources.ts';
export type * from './types/computeprovider.ts';
export type * from './types/shared.ts';
export type * from './types/traininggoal.ts';
export type * from './types/trainingjob.ts';
export type * from './types/trainingplan.ts';
export type * from './types/trainingpolicy.ts';
export type * from './types/trainingreceipt.ts';
