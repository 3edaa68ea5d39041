import { normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openFileStore, type VerificationMemory } from './file-store.ts';
import type { CheckpointStore } from './store.ts';

export class UnsupportedStore extends Error {
  override readonly name = 'UnsupportedStore';
}

// Stores are opened anew at every look; what was verified must outlive them. Keys name the directory and its state.
const memory: VerificationMemory = new Map();

/** Opens the store of one job. Only file:// with an absolute path for now; anything else is refused by name. */
export const openStore = (uri: string): CheckpointStore => {
  if (!URL.canParse(uri)) throw new UnsupportedStore(`"${uri}" is not a URI: use one like file:///srv/kriptik/jobs/x`);
  const url = new URL(uri);
  if (url.protocol !== 'file:') {
    throw new UnsupportedStore(`the checkpoint store ${url.protocol}// is not supported: use a file:// URI`);
  }
  if (url.host !== '') {
    throw new UnsupportedStore(`"${uri}" names the host ${url.host}: a file URI has three slashes, file:///path`);
  }
  return openFileStore(normalize(fileURLToPath(url)).replace(/\/+$/, ''), memory);
};
