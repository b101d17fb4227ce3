import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRealClock, ManualClock } from '../../../src/core/clock.js';
import type { EventBody } from '../../../src/core/events.js';
import { createRandom } from '../../../src/core/random.js';
import { Links } from '../../../src/links/links.js';
import { currentHandles, expectNoNewHandles, type Handles } from '../../support/handles.js';
import { once, soon } from '../../support/waits.js';

const closers: (() => unknown)[] = [];
let before: Handles;
beforeEach(() => {
  before = currentHandles();
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  await expectNoNewHandles(before);
});

const edge = { from: 'agent/node-1', to: 'server/server-1' };

/** A link to a server that echoes. `far` are the server's sockets. */
async function link({ clock = createRealClock(), seed = 1 } = {}) {
  const events: EventBody[] = [];
  const links = new Links({
    node: 'lab/lab',
    clock,
    random: createRandom(seed),
    emit: (event) => void events.push(event),
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

async function echo(socket: Socket, text: string): Promise<string> {
  socket.write(text);
  let back = '';
  while (back.length < text.length) back += String((await once(socket, 'data'))[0]);
  return back;
}

const failed = (socket: Socket): Promise<NodeJS.ErrnoException> =>
  soon<NodeJS.ErrnoException>((resolve) => socket.once('error', resolve), 'error of a socket');

describe('a link', () => {
  it('carries bytes and a half-close both ways', async () => {
    const { connected } = await link();
    const socket = await connected();
    const payload = Buffer.alloc(4 * 1024 * 1024, 'konnectivity');
    const got = socket.toArray();
    socket.end(payload);
    expect(Buffer.concat(await got).equals(payload)).toBe(true);
  });

  it('says what the kernel says when nothing listens', async () => {
    const { links } = await link();
    const free = createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const { port } = free.address() as AddressInfo;
    free.close();
    await once(free, 'close');
    const refused = await failed(links.open(edge, { host: '127.0.0.1', port }));
    expect(refused).toMatchObject({ code: 'ECONNREFUSED', port });
    expect(await failed(links.open(edge, { path: '/nowhere/at.all' }))).toMatchObject({ code: 'ENOENT' });
  });

  it('gives up with its client', async () => {
    const { links, open, far, connected } = await link();
    links.set({ do: 'synDrop' });
    const socket = open();
    socket.destroy();
    await once(socket, 'close');
    links.heal();
    await connected();
    expect(far).toHaveLength(1);
  });
});

describe('a fault', () => {
  it('hits a live connection, is told with its link, and heals', async () => {
    const { links, events, connected } = await link();
    const socket = await connected();
    expect(await echo(socket, 'before')).toBe('before');
    const fault = links.set({ do: 'drop' });
    await fault.firstHit();
    socket.write('lost?');
    expect(fault.remove()).toEqual({ healed: 1, broken: 0 });
    expect(await soon((resolve) => socket.once('data', (data) => resolve(String(data))), 'bytes')).toBe(
      'lost?',
    );
    expect(events.filter(({ kind }) => kind.startsWith('fault.'))).toEqual([
      { kind: 'fault.set', node: 'lab/lab', fault: 'fault-1', action: 'drop' },
      expect.objectContaining({ kind: 'fault.hit', link: 'agent/node-1 → server/server-1', flow: '1' }),
      expect.objectContaining({ kind: 'fault.healed', text: '1 connections continue, 0 do not' }),
    ]);
  });

  it('resets both ends', async () => {
    const { links, far, connected } = await link();
    const socket = await connected();
    await echo(socket, 'x');
    const ends = [failed(socket), failed(far[0] as Socket)];
    const fault = links.set({ do: 'reset' });
    for (const error of await Promise.all(ends)) expect(error).toMatchObject({ code: 'ECONNRESET' });
    expect(await echo(await connected(), 'new ones pass')).toBe('new ones pass');
    expect(fault.remove()).toEqual({ healed: 0, broken: 1 });
  });

  it('tells one end alone', async () => {
    const { links, far, connected } = await link();
    const socket = await connected();
    await echo(socket, 'x');
    const told = failed(socket);
    links.set({ do: { halfOpen: { told: 'client' } } });
    expect(await told).toMatchObject({ code: 'ECONNRESET' });
    expect(far[0]?.readyState).toBe('open');
  });

  it('hits the links of its patterns and no other', async () => {
    const { links, connected } = await link();
    const [one, two] = [await connected('agent/node-1'), await connected('agent/node-2')];
    for (const socket of [one, two]) await echo(socket, 'x');
    const ended = failed(one);
    const fault = links.set({ on: { from: 'agent/node-1' }, do: 'reset' });
    await ended;
    expect(await echo(two, 'still here')).toBe('still here');
    expect(fault.hits).toBe(1);
  });

  it('changes one direction', async () => {
    const { links, far, connected } = await link();
    const socket = await connected();
    await echo(socket, 'x');
    const fault = links.set({ direction: 'toClient', do: 'drop' });
    const arrived = once(far[0] as Socket, 'data');
    socket.write('a question');
    expect(String((await arrived)[0])).toBe('a question');
    const answer = once(socket, 'data');
    fault.remove();
    expect(String((await answer)[0])).toBe('a question');
  });

  it('waits for the idle time of each connection, in either direction', async () => {
    const clock = new ManualClock();
    const { links, connected, events } = await link({ clock });
    const socket = await connected();
    await echo(socket, 'x');
    const fault = links.set('idle-60s-reset');
    clock.advance(59_000);
    await echo(socket, 'x');
    clock.advance(59_000);
    expect(fault.hits).toBe(0);
    const ended = failed(socket);
    clock.advance(1000);
    await ended;
    expect(events.find(({ kind }) => kind === 'flow.forgotten')).toMatchObject({
      verdict: 'reset',
      idleMs: 60_000,
    });
  });

  it('cuts a busy connection at its age', async () => {
    const clock = new ManualClock();
    const { links, connected } = await link({ clock });
    links.set('max-age-60s');
    const socket = await connected();
    for (let second = 0; second < 59; second++) clock.advance(1000);
    await echo(socket, 'x');
    const ended = failed(socket);
    clock.advance(1000);
    await ended;
  });

  it('cuts after so many bytes, exactly', async () => {
    const { links, far, connected } = await link();
    const socket = await connected();
    await echo(socket, 'x');
    const got: Buffer[] = [];
    far[0]?.on('data', (data: Buffer) => void got.push(data));
    links.set({ direction: 'toTarget', when: { afterBytes: 1000 }, do: 'fin' });
    const ended = once(far[0] as Socket, 'end');
    socket.write(Buffer.alloc(5000));
    await ended;
    expect(Buffer.concat(got)).toHaveLength(1000);
  });

  it('chooses the nth new connection', async () => {
    const { links, connected } = await link();
    const fault = links.set({ when: { connection: 2 }, do: 'freeze' });
    const [one, two, three] = [await connected(), await connected(), await connected()];
    for (const socket of [one, three]) expect(await echo(socket, 'x')).toBe('x');
    two.write('later');
    const late = once(two, 'data');
    expect(fault.remove()).toEqual({ healed: 1, broken: 0 });
    expect(String((await late)[0])).toBe('later');
  });

  it('begins at an event, and ends after its time', async () => {
    const clock = new ManualClock();
    const { links, connected } = await link({ clock });
    const socket = await connected();
    await echo(socket, 'x');
    const when = { event: 'agent.connected', fields: { node: 'agent/node-1' } };
    const fault = links.set({ when, do: 'freeze', for: '10s' });
    links.see({ kind: 'agent.connected', node: 'agent/node-2' });
    await Promise.resolve();
    expect(fault.hits).toBe(0);
    links.see({ kind: 'agent.connected', node: 'agent/node-1' });
    await fault.firstHit();
    socket.write('later');
    const late = once(socket, 'data');
    clock.advance(10_000);
    expect(String((await late)[0])).toBe('later');
    expect(fault.on).toBe(true);
  });

  it('comes again and again, up to its limit', async () => {
    const clock = new ManualClock();
    const { links, connected } = await link({ clock });
    const fault = links.set({ when: { every: '10s' }, do: 'reset', limit: 2 });
    for (let round = 1; round <= 3; round++) {
      const socket = await connected();
      await echo(socket, 'x');
      const ended = round <= 2 ? failed(socket) : undefined;
      clock.advance(10_000);
      await ended;
      if (round === 3) expect(await echo(socket, 'spared')).toBe('spared');
    }
    expect(fault.hits).toBe(2);
  });

  it('hits by chance, the same with the same seed', async () => {
    const hitBy = async (seed: number): Promise<readonly boolean[]> => {
      const { links, connected } = await link({ seed });
      links.set({ direction: 'toTarget', when: { afterBytes: 1 }, do: 'reset', probability: 0.5 });
      const hits: boolean[] = [];
      for (let count = 0; count < 12; count++) {
        const socket = await connected();
        const answer = soon<boolean>((resolve) => {
          socket.once('error', () => resolve(true));
          socket.once('data', () => resolve(false));
        }, 'an answer or a reset');
        socket.write('x');
        hits.push(await answer);
      }
      return hits;
    };
    const first = await hitBy(3);
    expect(await hitBy(3)).toEqual(first);
    expect(new Set(first)).toEqual(new Set([true, false]));
  });

  it('refuses new connections, and open ones continue', async () => {
    const { links, connected, open } = await link();
    const socket = await connected();
    const fault = links.set({ do: 'refuse' });
    expect(await failed(open())).toMatchObject({ code: 'ECONNREFUSED' });
    expect(await echo(socket, 'x')).toBe('x');
    expect(fault.hits).toBe(1);
    fault.remove();
    await connected();
  });

  it('gives attempts no answer, and they continue when it heals', async () => {
    const { links, open } = await link();
    const fault = links.set({ do: 'synDrop' });
    const socket = open();
    await fault.firstHit();
    expect(socket.pending).toBe(true);
    const there = once(socket, 'connect');
    links.heal();
    await there;
  });

  it('lets a connect wait for its round trip', async () => {
    const clock = new ManualClock();
    const { links, open } = await link({ clock });
    links.set({ do: { latency: { delay: '1s' } } });
    const socket = open();
    clock.advance(1999);
    expect(socket.pending).toBe(true);
    const there = once(socket, 'connect');
    clock.advance(1);
    await there;
  });

  it('ends with its block, and rejects the wait for a hit', async () => {
    const { links } = await link();
    let unused: Promise<void>;
    {
      using fault = links.set({ do: 'reset' });
      unused = fault.firstHit();
      unused.catch(() => undefined);
      expect(links.active).toHaveLength(1);
    }
    expect(links.active).toHaveLength(0);
    await expect(unused).rejects.toMatchObject({ code: 'WAIT_TIMEOUT' });
  });

  it('needs a link that exists and a name of its own, and its error lists the links', async () => {
    const { links } = await link();
    const nowhere = { on: { from: 'agent/node-7', to: 'server/1' }, do: 'reset' } as const;
    expect(() => links.set(nowhere)).toThrow(
      'no link agent/node-7 → server/1; there are agent/node-1 → server/server-1, agent/node-2 → server/server-1',
    );
    expect(() => links.set(nowhere)).toThrow(expect.objectContaining({ code: 'LINK_NOT_FOUND' }));
    links.set({ id: 'mine', do: 'reset' });
    expect(() => links.set({ id: 'mine', do: 'reset' })).toThrow(/a fault called mine is on already/);
    expect(links.active).toHaveLength(1);
  });
});
