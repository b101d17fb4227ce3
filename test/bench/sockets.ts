import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';

export const host = '127.0.0.1';

/** By which an agent finds the endpoint in a network of node addresses. */
export const nodeAddress = '10.0.1.11';

/** Resolves with the port. */
export async function listen(server: Server, address: string): Promise<number> {
  server.on('error', () => undefined);
  server.listen(0, address);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Below the ports that systems give to clients and to listeners without a wish, which would take it meanwhile. */
const portsFrom = 10_000;
const portsTo = 32_000;

/** A port that is free now, in the range that Konnectivity's flags accept. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(portsFrom, portsTo);
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, host, () => resolve(true));
    });
    if (!free) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}

/** Resolves when `GET path` on the port is answered with 200. */
export function whenReady(port: number, path: string, withinMs: number): Promise<void> {
  return whenAnswered(port, path, { ready: true, withinMs });
}

/** Resolves when it is answered with something else, or not at all. */
export function whenNotReady(port: number, path: string, withinMs: number): Promise<void> {
  return whenAnswered(port, path, { ready: false, withinMs });
}

async function whenAnswered(
  port: number,
  path: string,
  { ready, withinMs }: { readonly ready: boolean; readonly withinMs: number },
): Promise<void> {
  const end = performance.now() + withinMs;
  while (performance.now() < end) {
    if ((await isReady(port, path)) === ready) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const state = ready ? 'not ready' : 'ready still';
  throw new Error(`http://${host}:${port}${path} was ${state} after ${withinMs} ms`);
}

function isReady(port: number, path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host, () => {
      socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    });
    socket.setTimeout(2000, () => socket.destroy());
    socket.once('data', (data) => {
      resolve(/^HTTP\/1\.[01] 200/.test(data.toString()));
      socket.destroy();
    });
    socket.on('error', () => undefined);
    socket.once('close', () => resolve(false));
  });
}
