import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../src/core/clock.js';
import { closeAfterEach, echo, failed, link } from '../../support/link-bench.js';
import { once, soon, until } from '../../support/waits.js';

closeAfterEach();

describe('a fault', () => {
  it('hits a live connection, is told with its link, and heals', async () => {
    const { links, events, connected } = await link();
    const socket = await connected();
    expect(await echo(socket, 'before')).toBe('before');
    const fault = links.faults.set({ do: 'drop' });
    await fault.firstHit();
    socket.write('lost?');
    expect(fault.remove()).toEqual({ healed: 1, broken: 0 });
    expect(await soon((resolve) => socket.once('data', (data) => resolve(String(data))), 'bytes')).toBe(
      'lost?',
    );
    expect(events.filter(({ kind }) => kind.startsWith('fault.'))).toEqual([
      {
        ...{ kind: 'fault.set', node: 'lab/lab', fault: 'fault-1', action: 'drop' },
        document: '{"do":"drop","on":{}}',
      },
      expect.objectContaining({ kind: 'fault.hit', link: 'agent/node-1 → server/server-1', flow: '1' }),
      expect.objectContaining({ kind: 'fault.healed', text: '1 connections continue, 0 do not' }),
    ]);
  });

  it('resets both ends', async () => {
    const { links, far, connected } = await link();
    const socket = await connected();
    await echo(socket, 'x');
    const ends = [failed(socket), failed(far[0] as Socket)];
    const fault = links.faults.set({ do: 'reset' });
    for (const error of await Promise.all(ends)) expect(error).toMatchObject({ code: 'ECONNRESET' });
    expect(await echo(await connected(), 'new ones pass')).toBe('new ones pass');
    expect(fault.remove()).toEqual({ healed: 0, broken: 1 });
  });

  it('tells one end alone', async () => {
    const { links, far, connected } = await link();
    const socket = await connected();
    await echo(socket, 'x');
    const told = failed(socket);
    links.faults.set({ do: { halfOpen: { told: 'client' } } });
    expect(await told).toMatchObject({ code: 'ECONNRESET' });
    expect(far[0]?.readyState).toBe('open');
  });

  it('hits the links of its patterns and no other', async () => {
    const { links, connected } = await link();
    const [one, two] = [await connected('agent/node-1'), await connected('agent/node-2')];
    for (const socket of [one, two]) await echo(socket, 'x');
    const ended = failed(one);
    const fault = links.faults.set({ on: { from: 'agent/node-1' }, do: 'reset' });
    await ended;
    expect(await echo(two, 'still here')).toBe('still here');
    expect(fault.hits).toBe(1);
  });

  it('changes one direction', async () => {
    const { links, far, connected } = await link();
    const socket = await connected();
    await echo(socket, 'x');
    const fault = links.faults.set({ direction: 'toClient', do: 'drop' });
    const arrived = once(far[0] as Socket, 'data');
    socket.write('a question');
    expect(String((await arrived)[0])).toBe('a question');
    const answer = once(socket, 'data');
    fault.remove();
    expect(String((await answer)[0])).toBe('a question');
  });

  it('tells an end whose bytes were lost for too long, and the other one nothing', async () => {
    const clock = new ManualClock();
    const { links, far, connected } = await link({ clock });
    const socket = await connected();
    await echo(socket, 'x');
    links.faults.set('unacked-15m-reset');
    clock.advance(3_600_000);
    socket.write('lost');
    const told = failed(socket);
    await until(() => {
      clock.advance(60_000);
      return socket.destroyed;
    });
    expect(await told).toMatchObject({ code: 'ECONNRESET' });
    expect(far[0]?.readyState).toBe('open');
  });

  it('waits for the idle time of each connection, in either direction', async () => {
    const clock = new ManualClock();
    const { links, connected, events } = await link({ clock });
    const socket = await connected();
    await echo(socket, 'x');
    const fault = links.faults.set('idle-60s-reset');
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

  it('is on all links between two groups, in both directions, and names groups without a link', async () => {
    const { links, connected } = await link();
    const [one, two] = [await connected('agent/node-1'), await connected('agent/node-2')];
    for (const socket of [one, two]) await echo(socket, 'x');
    const ended = failed(two);
    const on = { between: ['server/*', 'kubelet/*'], and: ['agent/2', 'agent/3'] };
    expect(links.faults.set({ on, do: 'reset' }).hits).toBe(1);
    await ended;
    expect(await echo(one, 'still here')).toBe('still here');
    const nowhere = { on: { between: ['agent/*'], and: ['agent/*'] }, do: 'reset' } as const;
    expect(() => links.faults.set(nowhere)).toThrow(/^no link between agent\/\* and agent\/\*; there are/);
  });

  it('forgets a flow for good, and lets new ones pass', async () => {
    const { links, far, connected } = await link();
    const socket = await connected();
    await echo(socket, 'x');
    const fault = links.faults.set({ do: 'forget' });
    expect(await echo(await connected(), 'new')).toBe('new');
    socket.write('lost');
    expect([socket.readyState, far[0]?.readyState]).toEqual(['open', 'open']);
    expect(fault.remove()).toEqual({ healed: 0, broken: 1 });
  });

  it('cuts a busy connection at its age', async () => {
    const clock = new ManualClock();
    const { links, connected } = await link({ clock });
    links.faults.set('max-age-60s');
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
    links.faults.set({ direction: 'toTarget', when: { afterBytes: 1000 }, do: 'fin' });
    const ended = once(far[0] as Socket, 'end');
    socket.write(Buffer.alloc(5000));
    await ended;
    expect(Buffer.concat(got)).toHaveLength(1000);
  });

  it('chooses the nth new connection', async () => {
    const { links, connected } = await link();
    const fault = links.faults.set({ when: { connection: 2 }, do: 'freeze' });
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
    const fault = links.faults.set({ when, do: 'freeze', for: '10s' });
    links.faults.see({ kind: 'agent.connected', node: 'agent/node-2' });
    await Promise.resolve();
    expect(fault.hits).toBe(0);
    links.faults.see({ kind: 'agent.connected', node: 'agent/node-1' });
    await fault.firstHit();
    socket.write('later');
    const late = once(socket, 'data');
    clock.advance(10_000);
    expect(String((await late)[0])).toBe('later');
    expect(fault.active).toBe(true);
  });

  it('comes again and again, up to its limit', async () => {
    const clock = new ManualClock();
    const { links, connected } = await link({ clock });
    const fault = links.faults.set({ when: { every: '10s' }, do: 'reset', limit: 2 });
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
      links.faults.set({ direction: 'toTarget', when: { afterBytes: 1 }, do: 'reset', probability: 0.5 });
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
    const fault = links.faults.set({ do: 'refuse' });
    expect(await failed(open())).toMatchObject({ code: 'ECONNREFUSED' });
    expect(await echo(socket, 'x')).toBe('x');
    expect(fault.hits).toBe(1);
    fault.remove();
    await connected();
  });

  it('gives attempts no answer, and they continue when it heals', async () => {
    const { links, open } = await link();
    const fault = links.faults.set({ do: 'synDrop' });
    const socket = open();
    await fault.firstHit();
    expect(socket.pending).toBe(true);
    const there = once(socket, 'connect');
    links.faults.heal();
    await there;
  });

  it('lets a connect wait for its round trip', async () => {
    const clock = new ManualClock();
    const { links, open } = await link({ clock });
    links.faults.set({ do: { latency: { delay: '1s' } } });
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
      using fault = links.faults.set({ do: 'reset' });
      unused = fault.firstHit();
      unused.catch(() => undefined);
      expect(links.faults.active).toHaveLength(1);
    }
    expect(links.faults.active).toHaveLength(0);
    await expect(unused).rejects.toMatchObject({ code: 'WAIT_TIMEOUT' });
  });

  it('is over for good when it is removed while it is told', async () => {
    const { links, connected } = await link({
      listen: (event, all) => {
        if (event.kind === 'fault.hit') all.faults.heal();
      },
    });
    const sockets = [await connected(), await connected()];
    for (const socket of sockets) await echo(socket, 'x');
    const fault = links.faults.set({ do: 'freeze' });
    for (const socket of sockets) expect(await echo(socket, 'still')).toBe('still');
    expect([fault.hits, fault.active]).toEqual([1, false]);
  });

  it('wakes its own attempts alone', async () => {
    const { links, open, connected } = await link();
    const silence = links.faults.set({ when: { connection: 1 }, do: 'synDrop' });
    const other = links.faults.set({ do: 'freeze' });
    const waiting = open();
    other.remove();
    // It would have connected before this one.
    await connected();
    expect(waiting.pending).toBe(true);
    const there = once(waiting, 'connect');
    silence.remove();
    await there;
    expect(silence.hits).toBe(1);
  });

  it('lets attempts go on when its time is over', async () => {
    const clock = new ManualClock();
    const { links, open } = await link({ clock });
    links.faults.set({ when: { event: 'lab.ready' }, do: 'drop', for: '1s' });
    links.faults.see({ kind: 'lab.ready', node: 'lab/lab' });
    await Promise.resolve();
    const waiting = open();
    expect(waiting.pending).toBe(true);
    const there = once(waiting, 'connect');
    clock.advance(1000);
    await there;
  });

  it('of latency can choose one connection', async () => {
    const clock = new ManualClock();
    const { links, connected } = await link({ clock });
    const fault = links.faults.set({ when: { connection: 1 }, do: { latency: { delay: '1h' } } });
    const socket = await connected();
    socket.write('later');
    const late = once(socket, 'data');
    await fault.firstHit();
    expect(fault.remove()).toEqual({ healed: 1, broken: 0 });
    expect(String((await late)[0])).toBe('later');
  });

  it('ends a connection in order behind the bytes that another one delays', async () => {
    const clock = new ManualClock();
    const { links, far, connected } = await link({ clock });
    const socket = await connected();
    socket.write('x');
    await once(socket, 'data');
    const got: Buffer[] = [];
    far[0]?.on('data', (data: Buffer) => void got.push(data));
    const ended = once(far[0] as Socket, 'end');
    links.faults.set({ do: { latency: { delay: '1s' } } });
    const cut = links.faults.set({ direction: 'toTarget', when: { afterBytes: 1000 }, do: 'fin' });
    socket.write(Buffer.alloc(5000));
    await cut.firstHit();
    clock.advance(1000);
    await ended;
    expect(Buffer.concat(got)).toHaveLength(1000);
  });

  it('has a name of its own beside one that looks like it', async () => {
    const { links } = await link();
    links.faults.set({ id: 'fault-1', do: 'freeze' });
    expect(links.faults.set({ do: 'freeze' }).id).toBe('fault-2');
  });

  it('needs a link that exists and a name of its own, and its error lists the links', async () => {
    const { links } = await link();
    const nowhere = { on: { from: 'agent/node-7', to: 'server/1' }, do: 'reset' } as const;
    expect(() => links.faults.set(nowhere)).toThrow(
      'no link agent/node-7 → server/1; there are agent/node-1 → server/server-1, agent/node-2 → server/server-1',
    );
    expect(() => links.faults.set(nowhere)).toThrow(expect.objectContaining({ code: 'LINK_NOT_FOUND' }));
    links.faults.set({ id: 'mine', do: 'reset' });
    expect(() => links.faults.set({ id: 'mine', do: 'reset' })).toThrow(/a fault called mine is on already/);
    expect(links.faults.active).toHaveLength(1);
  });
});
