import type { CheckpointRef, Problem, Recorded } from './store.ts';

/**
 * Whether a checkpoint's manifest was exchanged since it was recorded. In a folder a later save of the same step may
 * have taken its place: that one says that it was made later, while a manifest that was tampered with rarely does.
 * With `once` no folder is ever written twice, so any other manifest is an exchanged one.
 */
export const exchanged = (
  ref: CheckpointRef,
  recorded: readonly Recorded[],
  { once }: { once: boolean },
): Problem | undefined => {
  const before = recorded.find((one) => one.uri === ref.uri);
  if (before === undefined || before.manifestSha256 === ref.manifestSha256) return undefined;
  if (!once && Date.parse(ref.createdAt) > Date.parse(before.createdAt)) return undefined;
  return { code: 'ManifestChanged', message: 'its manifest is not the one that was recorded', where: ref.uri };
};
