import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach } from 'vitest';
import { type Clock, createRealClock } from '../../src/core/clock.js';
import type { EventBody } from '../../src/core/events.js';
import { createRandom } from '../../src/core/random.js';
import { Links } from '../../src/links/links.js';
import { currentHandles, expectNoNewHandles, type Handles } from './handles.js';
import { once, soon } from './waits.js';

/** What the tests of this file close at the end of each. */
export const closers: (() => unknown)[] = [];

/** Closes it all after each test, which must leave no handle. */
export function closeAfterEach(): void {
  let before: Handles;
  beforeEach(() => {
    before = currentHandles();
  });
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
    await expectNoNewHandles(before);
  });
}

export const edge = { from: 'agent/node-1', to: 'server/server-1' };

/** A link to a server that echoes. `far` are the server's sockets. */
interface LinkSetup {
  readonly clock?: Clock;
  readonly seed?: number;
  readonly listen?: (event: EventBody, links: Links) => void;
}

export async function link({
  clock = createRealClock(),
  seed = 1,
  listen = () => undefined,
}: LinkSetup = {}) {
  const events: EventBody[] = [];
  const links: Links = new Links({
    node: 'lab/lab',
    clock,
    random: createRandom(seed),
    emit: (event) => {
      events.push(event);
      listen(event, links);
    },
    edges: () => [edge, { from: 'agent/node-2', to: 'server/server-1' }],
  });
  closers.push(() => links.close());
  const far: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    far.push(socket);
    socket.pipe(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    for (const socket of far) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const open = (from = edge.from): Socket => {
    const socket = links.open({ from, to: edge.to }, { host: '127.0.0.1', port });
    closers.push(() => socket.destroy());
    return socket;
  };
  const connected = async (from?: string): Promise<Socket> => {
    const socket = open(from);
    await once(socket, 'connect');
    return socket;
  };
  return { links, events, far, open, connected };
}

export async function echo(socket: Socket, text: string): Promise<string> {
  socket.write(text);
  let back = '';
  while (back.length < text.length) back += String((await once(socket, 'data'))[0]);
  return back;
}

export const failed = (socket: Socket): Promise<NodeJS.ErrnoException> =>
  soon<NodeJS.ErrnoException>((resolve) => socket.once('error', resolve), 'error of a socket');
