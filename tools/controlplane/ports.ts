import { createServer } from 'node:net';

/**
 * `count` different TCP ports that were free on 127.0.0.1 a moment ago. Another program may take one before it
 * is bound: the caller must treat "address in use" as a reason to choose again.
 */
export async function freePorts(count: number): Promise<number[]> {
  // All are held open together, else the system may hand out the same one twice.
  const held = await Promise.all(Array.from({ length: count }, () => holdPort(0)));
  await Promise.all(held.map(({ close }) => close()));
  return held.map(({ port }) => port);
}

/** Whether the port can be bound on 127.0.0.1 now. */
export async function isFree(port: number): Promise<boolean> {
  try {
    const { close } = await holdPort(port);
    await close();
    return true;
  } catch {
    return false;
  }
}

function holdPort(port: number): Promise<{ port: number; close: () => Promise<void> }> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ port, host: '127.0.0.1' }, () => {
      const address = server.address();
      if (address === null || typeof address === 'string') return reject(new Error('the server has no TCP port'));
      resolve({ port: address.port, close: () => new Promise((closed) => server.close(() => closed())) });
    });
  });
}
