import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { once } from './waits.js';

/** A TCP balancer that knows nothing of what it carries: one connection to each target in turn. */
export interface TcpBalancer {
  /** `host:port`. */
  readonly address: string;
  close(): Promise<void>;
}

export async function startTcpBalancer(targets: readonly string[]): Promise<TcpBalancer> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    return socket;
  };
  let turn = 0;
  const server = createServer((front) => {
    const [host, port] = (targets[turn % targets.length] ?? '').split(':');
    turn += 1;
    const back = keep(connect(Number(port), host ?? ''));
    keep(front).pipe(back).pipe(front);
    front.on('close', () => back.destroy());
    back.on('close', () => front.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
