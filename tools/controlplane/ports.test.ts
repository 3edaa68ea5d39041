import { createServer } from 'node:net';
import { expect, it } from 'vitest';
import { freePorts, isFree } from './ports.ts';

it('gives as many different ports as asked for, each free', async () => {
  // Another program may take one in between; it does not each time.
  const draws: boolean[] = [];
  while (draws.length < 5 && draws.at(-1) !== true) {
    const ports = await freePorts(20);
    expect(new Set(ports).size).toBe(20);
    draws.push((await Promise.all(ports.map(isFree))).every((free) => free));
  }
  expect(draws.at(-1)).toBe(true);
});

it('sees that a port is taken', async () => {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const address = server.address();
  try {
    expect(await isFree(typeof address === 'object' && address !== null ? address.port : 0)).toBe(false);
  } finally {
    await new Promise((closed) => server.close(closed));
  }
});
