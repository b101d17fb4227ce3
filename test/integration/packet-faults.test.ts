import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { type FaultDocument, type Lab, type LabOptions, startLab } from '../../src/index.js';
import { within } from '../support/waits.js';

let running: Lab[] = [];
afterEach(async () => {
  await Promise.all(running.map((lab) => lab.stop()));
  running = [];
});

/** A lab whose agents are connected, with a mark after that. */
async function lab({ timeScale = 1, ...options }: LabOptions = {}): Promise<{ one: Lab; since: number }> {
  const one = await startLab({ nodes: 1, ...options });
  running.push(one);
  for (const { name } of one.nodes) await one.waitFor({ kind: 'agent.connected', node: `agent/${name}` });
  one.timeScale = timeScale;
  return { one, since: one.mark() };
}

/** Waits of a busy machine, in lab time that runs fast. */
const soonEnough = { withinMs: 1_000_000 };
const hour = 3_600_000;
/** Minutes pass in seconds. */
const fast = 40;
/** Half a minute passes in three seconds. */
const brisk = 10;
const tunnel = { from: 'agent/node-1', to: 'server/server-1' };
const door = { from: 'client/lab', to: 'server/server-1' };
const atDial: FaultDocument['when'] = { event: 'dial.established', fields: { node: 'client/lab' } };

const seen = (one: Lab): Promise<string> =>
  one.exec('web-1', ['hostname']).then(
    ({ stdout }) => stdout.trim(),
    (error: Error) => error.message,
  );

async function works(one: Lab): Promise<void> {
  one.timeScale = 1;
  await expect.poll(() => seen(one), { timeout: 30_000 }).toBe('web-1');
}

const kubeletOf = (one: Lab): Promise<Duplex> => one.dial(one.nodes[0]?.ip ?? '', 10250);

describe('a packet of an agent', () => {
  it('is lost: the second of two dials has no answer', async () => {
    const { one, since } = await lab({ timeScale: brisk });
    const fault = one.fault({
      on: tunnel,
      direction: 'toTarget',
      when: { nth: 2 },
      do: { packet: { type: 'DIAL_RSP', is: 'lost' } },
    });
    expect(await seen(one)).toBe('web-1');
    expect(await seen(one)).toBe('dial timeout, backstop');
    const hit = await one.waitFor(
      { kind: 'fault.hit', packet: 'DIAL_RSP', connectId: '2' },
      { since, ...soonEnough },
    );
    expect(one.events().some(({ seq, kind }) => seq > hit.seq && kind === 'dial.established')).toBe(false);
    fault.remove();
    await works(one);
  });

  it('is late: the connection of a dial that was given up is closed again', async () => {
    const { one, since } = await lab({ timeScale: brisk });
    one.fault({
      on: tunnel,
      direction: 'toTarget',
      do: { packet: { type: 'DIAL_RSP', is: 'heldPast', past: 'DIAL_CLS' } },
    });
    expect(await seen(one)).toBe('dial timeout, backstop');
    await one.waitFor({ kind: 'dial.failed', reason: 'unrecognized_response' }, { since, ...soonEnough });
    await one.waitFor(
      { kind: 'packet', node: 'server/server-1', packet: 'CLOSE_REQ' },
      { since, ...soonEnough },
    );
    one.heal();
    await works(one);
  });

  it('names a connection of another: the first one ends', async () => {
    const { one, since } = await lab();
    const first = await kubeletOf(one);
    const ended = once(first, 'error');
    one.fault({
      on: tunnel,
      direction: 'toTarget',
      do: { packet: { type: 'DIAL_RSP', is: 'renumbered', connectId: 1 } },
    });
    const second = await kubeletOf(one);
    const [error] = (await within(ended, 'the end of the first connection')) as [Error];
    expect(error.message).toContain('the agent gave the connection ID away');
    await one.waitFor(
      { kind: 'connection.closed', reason: 'reused_id', connectId: '1' },
      { since, ...soonEnough },
    );
    second.destroy();
    one.heal();
    await works(one);
  });
});

describe('a packet that nobody has sent', () => {
  it.each(['unknownType', 'dataForUnknown'] as const)('is harmless: %s', async (packet) => {
    const { one, since } = await lab();
    expect(one.fault({ on: tunnel, do: { inject: { packet } } }).hits).toBe(1);
    expect(await seen(one)).toBe('web-1');
    if (packet === 'unknownType') return;
    const refused = { kind: 'packet', packet: 'CLOSE_RSP', text: 'unrecognized connectID' } as const;
    await one.waitFor({ ...refused, node: 'agent/node-1' }, { since, ...soonEnough });
    await one.waitFor(
      { kind: 'packet', packet: 'CLOSE_REQ', node: 'server/server-1' },
      { since, ...soonEnough },
    );
  });

  it.each(['toClient', 'toTarget'] as const)(
    'ends the stream when it is too large, %s',
    async (direction) => {
      const { one, since } = await lab();
      one.fault({ on: tunnel, direction, do: { inject: { packet: 'oversized' } } });
      const { error } = await one.waitFor({ kind: 'agent.disconnected' }, { since, ...soonEnough });
      expect(error).toBe('grpc: received message larger than max (4194326 vs. 4194304)');
      await works(one);
    },
  );

  it('ends the stream of a frontend, too', async () => {
    const { one } = await lab();
    one.fault({ on: door, when: atDial, direction: 'toTarget', do: { inject: { packet: 'oversized' } } });
    expect(await seen(one)).toBe(
      'tunnel closed: grpc: received message larger than max (4194326 vs. 4194304)',
    );
    one.heal();
    await works(one);
  });
});

describe('a stream', () => {
  it.each([
    ['PROTOCOL_ERROR', 'stream terminated by RST_STREAM with error code: PROTOCOL_ERROR'],
    ['NO_ERROR', 'server closed the stream without sending trailers'],
  ] as const)('is reset with %s, at either link', async (code, text) => {
    const { one, since } = await lab();
    one.fault({ on: door, when: atDial, do: { resetStream: { code } } });
    expect(await seen(one)).toBe(`tunnel closed: ${text}`);
    one.heal();
    one.fault({ on: tunnel, do: { resetStream: { code } } });
    const { error } = await one.waitFor({ kind: 'agent.disconnected' }, { since, ...soonEnough });
    expect(error).toBe(text);
    await works(one);
  });

  it('is idle for a proxy of HTTP/2 while the pings keep its connection busy', async () => {
    const { one, since } = await lab({ timeScale: 15 });
    const device = one.fault({ on: tunnel, when: { idleFor: '60s' }, do: 'drop' });
    const proxy = one.link('agent/*', 'server/1').fault('stream-idle-60s-reset');
    const { error } = await one.waitFor({ kind: 'agent.disconnected' }, { since, ...soonEnough });
    expect(error).toBe('stream terminated by RST_STREAM with error code: PROTOCOL_ERROR');
    expect([proxy.hits, device.hits]).toEqual([1, 0]);
    one.heal();
    await works(one);
  });
});

describe('an HTTP/2 connection', () => {
  it('is ended by GOAWAY with a code and a text: an open exec ends, and the agent comes back', async () => {
    const { one, since } = await lab();
    const open = one.exec('web-1', ['sleep', '1000']).catch((error: Error) => error.message);
    await one.waitFor({ kind: 'dial.established' }, { since, ...soonEnough });
    const goaway = { code: 'ENHANCE_YOUR_CALM', text: 'too_many_pings' } as const;
    one.part('server/server-1').fault({ limit: 1, do: { goaway } });
    expect(await within(open, 'the end of the exec')).toBe('tunnel closed');
    const { error } = await one.waitFor({ kind: 'agent.disconnected' }, { since, ...soonEnough });
    expect(error).toContain('received prior goaway: code: ENHANCE_YOUR_CALM, debug data: "too_many_pings"');
    await works(one);
  });

  it('is ended for frontends by GOAWAY without an error: only new dials need another one', async () => {
    const { one } = await lab();
    const open = await kubeletOf(one);
    const fault = one.part('server/server-1').fault({ limit: 1, do: { goaway: { peers: 'frontends' } } });
    expect(fault.hits).toBe(1);
    // A dial that crosses the announcement is refused.
    await works(one);
    expect(open.destroyed).toBe(false);
    open.destroy();
  });

  it.each(['agent/node-1', 'server/server-1'])(
    'is cut when the answers to pings of %s are lost',
    async (part) => {
      const keepalive = part.startsWith('agent/') ? { serversMs: hour } : { agentsMs: hour };
      const { one, since } = await lab({ timeScale: fast, keepalive });
      const fault = one.part(part).fault({ do: 'losePings', limit: 1 });
      const { error } = await one.waitFor({ kind: 'agent.disconnected' }, { since, ...soonEnough });
      expect(error).toContain(part.startsWith('agent/') ? 'keepalive ping failed to receive ACK' : 'EOF');
      expect(fault.hits).toBe(1);
      await works(one);
    },
  );

  it('takes no more streams than the server announces: the next dial waits for the end of one', async () => {
    const { one, since } = await lab();
    using fault = one.part('server/server-1').fault({ do: { maxStreams: { count: 1 } } });
    const first = await kubeletOf(one);
    const waiting = kubeletOf(one);
    await one.waitFor({ kind: 'dial.started', node: 'client/lab' }, { since, ...soonEnough });
    const opened = () => one.events().filter(({ kind, seq }) => kind === 'frontend.opened' && seq > since);
    expect([fault.hits, opened().length]).toEqual([1, 1]);
    first.destroy();
    (await within(waiting, 'the second connection')).destroy();
    expect(opened()).toHaveLength(2);
  });
});
