import { createServer } from 'node:net';
import { expect, it } from 'vitest';
import { freePorts, isFree } from './ports.ts';

it('gives as many different ports as asked for, each free', async () => {
  const ports = await freePorts(20);
  expect(new Set(ports).size).toBe(20);
  expect(await Promise.all(ports.map(isFree))).not.toContain(false);
});

it('sees that a port is taken', async () => {
  const [port = 0] = await freePorts(1);
  const server = createServer();
  await new Promise<void>((listening) => server.listen(port, '127.0.0.1', listening));
  try {
    expect(await isFree(port)).toBe(false);
  } finally {
    await new Promise((closed) => server.close(closed));
  }
});
