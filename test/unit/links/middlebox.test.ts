import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRealClock, ManualClock } from '../../../src/core/clock.js';
import type { EventBody, EventSink } from '../../../src/core/events.js';
import { createRandom } from '../../../src/core/random.js';
import type { FaultDocument } from '../../../src/links/fault-document.js';
import { Links } from '../../../src/links/links.js';
import { type Middlebox, type MiddleboxOptions, startMiddlebox } from '../../../src/links/middlebox.js';
import { currentHandles, expectNoNewHandles, type Handles } from '../../support/handles.js';
import { each, once, soon, until } from '../../support/waits.js';

const closers: (() => unknown)[] = [];
let before: Handles;
beforeEach(() => {
  before = currentHandles();
});
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  await expectNoNewHandles(before);
});

/** A target that keeps its sockets in the order in which they came. */
async function target(serve: (socket: Socket) => void = (socket) => void socket.pipe(socket)) {
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    sockets.push(socket);
    serve(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, sockets };
}

interface BoxOptions extends Pick<Partial<MiddleboxOptions>, 'routes' | 'clock'> {
  readonly fault?: FaultDocument;
}

async function box(to: readonly string[], { clock = createRealClock(), fault, ...more }: BoxOptions = {}) {
  const events: EventBody[] = [];
  const waiting: { kind: string; found: (event: EventBody) => void }[] = [];
  const emit: EventSink = (event) => {
    events.push(event);
    for (const one of waiting) if (one.kind === event.kind) one.found(event);
  };
  const links = new Links({ node: 'middlebox/middlebox', clock, random: createRandom(1), emit });
  closers.push(() => links.close());
  if (fault !== undefined) links.faults.set(fault);
  const routes = [{ listen: '127.0.0.1:0', to }];
  const device = await startMiddlebox({ routes, links, clock, emit, ...more });
  closers.push(() => device.close());
  const next = (kind: EventBody['kind']): Promise<EventBody> =>
    soon(
      (found) => {
        const past = events.find((event) => event.kind === kind);
        if (past === undefined) waiting.push({ kind, found });
        else found(past);
      },
      `event ${kind}`,
      { seen: () => events.slice(-5) },
    );
  return { device, events, next, links };
}

async function client(device: Middlebox): Promise<Socket> {
  const [host = '', port = ''] = device.addresses[0]?.split(':') ?? [];
  const socket = connect({ host, port: Number(port), allowHalfOpen: true });
  socket.on('error', () => undefined);
  closers.push(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

async function read(socket: Socket, sizeBytes: number): Promise<string> {
  let text = '';
  while (text.length < sizeBytes) text += String((await once(socket, 'data'))[0]);
  return text;
}

describe('a middlebox', () => {
  it('carries 8 MiB both ways, a half-close too, and counts them', async () => {
    const { address } = await target();
    const { device, next } = await box([address]);
    const socket = await client(device);
    const payload = Buffer.alloc(8 * 1024 * 1024, 'konnectivity');
    socket.end(payload);
    const echo = Buffer.concat(await socket.toArray());
    expect(echo.equals(payload)).toBe(true);
    expect(await next('flow.closed')).toMatchObject({ end: 'fin', flow: '1', lostBytes: 0 });
    expect(device.counts()).toMatchObject({ openFlows: 0, openedFlows: 1, clientBytes: payload.length });
    expect(device.counts().targetBytes).toBe(payload.length);
  });

  it('drops an idle flow silently: both ends stay open, and bytes are lost', async () => {
    const clock = new ManualClock();
    const { address, sockets } = await target();
    const { device, next } = await box([address], {
      clock,
      fault: { when: { idleFor: '60s' }, do: 'drop' },
    });
    const socket = await client(device);
    socket.write('hello');
    await read(socket, 5);
    clock.advance(60_000);
    expect(await next('flow.forgotten')).toMatchObject({ verdict: 'drop', idleMs: 60_000, flow: '1' });
    socket.write('anybody?');
    expect(await next('flow.lost')).toMatchObject({ from: 'client', lostBytes: 8 });
    expect([socket.readyState, sockets[0]?.readyState]).toEqual(['open', 'open']);
    expect(device.counts()).toMatchObject({
      openFlows: 1,
      lostBytes: 8,
      forgottenFlows: { drop: 1, reset: 0, fin: 0 },
    });
  });

  it('reads more than the kernel holds from a dropped flow, so that its sender notices nothing', async () => {
    const clock = new ManualClock();
    const { address } = await target((socket) => void socket.pause());
    const { device, next } = await box([address], { clock });
    const socket = await client(device);
    await next('flow.opened');
    const all = soon<void>(
      (resolve) => socket.write(Buffer.alloc(32 * 1024 * 1024), () => resolve()),
      'end of the write',
    );
    device.forget('drop');
    await all;
    expect(device.counts().lostBytes).toBeGreaterThan(0);
  });

  it('resets both ends of an idle flow when told to', async () => {
    const clock = new ManualClock();
    const { address, sockets } = await target();
    const { device, next } = await box([address], { clock, fault: { when: { idleFor: 50 }, do: 'reset' } });
    const socket = await client(device);
    socket.write('x');
    await read(socket, 1);
    const errors = [once(socket, 'error'), once(sockets[0] as Socket, 'error')];
    clock.advance(50);
    for (const [error] of await Promise.all(errors)) expect(error).toMatchObject({ code: 'ECONNRESET' });
    expect(await next('flow.closed')).toMatchObject({ end: 'cut' });
  });

  it('pauses a sender while the other end does not read', async () => {
    const { address, sockets } = await target((socket) => void socket.pause());
    const { device, next } = await box([address]);
    const socket = await client(device);
    await next('flow.opened');
    const payload = Buffer.alloc(64 * 1024 * 1024);
    socket.end(payload);
    // Whatever the kernel and one high-water mark hold, it is far from all of it.
    let seen = -1;
    while (seen !== device.counts().clientBytes) {
      seen = device.counts().clientBytes;
      await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    }
    expect(seen).toBeLessThan(payload.length);
    let got = 0;
    for await (const chunk of each(sockets[0] as Socket, 'bytes')) got += (chunk as Buffer).length;
    expect(got).toBe(payload.length);
  });

  it('uses its targets in turn, as a balancer', async () => {
    const [one, two] = [await target(), await target()];
    const { device } = await box([one.address, two.address]);
    for (let count = 0; count < 4; count++) {
      const socket = await client(device);
      socket.write('x');
      await read(socket, 1);
    }
    expect([one.sockets.length, two.sockets.length]).toEqual([2, 2]);
  });

  it('sends new flows to other targets, and keeps open ones', async () => {
    const [one, two] = [await target(), await target()];
    const { device } = await box([one.address]);
    const first = await client(device);
    first.write('a');
    expect(await read(first, 1)).toBe('a');
    device.setTargets(0, [two.address]);
    const second = await client(device);
    second.write('b');
    expect(await read(second, 1)).toBe('b');
    first.write('c');
    expect(await read(first, 1)).toBe('c');
    expect([one.sockets.length, two.sockets.length]).toEqual([1, 1]);
    device.setTargets(0, []);
    // The reset may come before the client knows that it was connected.
    await expect(client(device).then((third) => once(third, 'close'))).rejects.toThrow(/ECONNRESET/);
  });

  it('forgets the flows to one target only, when told which', async () => {
    const [one, two] = [await target(), await target()];
    const { device } = await box([one.address, two.address]);
    const [first, second] = [await client(device), await client(device)];
    for (const each of [first, second]) {
      each.write('a');
      await read(each, 1);
    }
    const broken = once(first, 'error');
    device.forget('reset', one.address);
    await broken;
    second.write('b');
    expect(await read(second, 1)).toBe('b');
    expect(device.counts().forgottenFlows).toEqual({ drop: 0, reset: 1, fin: 0 });
  });

  it('lets a client go that closes in order while its target does not answer', async () => {
    const { address, sockets } = await target();
    const { device } = await box([address], { fault: { do: 'synDrop' } });
    const socket = await client(device);
    socket.end();
    // It is told, though the fault goes on.
    await once(socket.resume(), 'close');
    expect(sockets).toHaveLength(0);
  });

  it('keeps what a client sends while its target does not answer, and its end', async () => {
    const { address } = await target();
    const { device, links } = await box([address], { fault: { do: 'synDrop' } });
    const socket = await client(device);
    socket.end('hello');
    await once(socket, 'finish');
    links.faults.heal();
    expect(String(Buffer.concat(await socket.toArray()))).toBe('hello');
  });

  it('counts those who still connect when it looks for the least connections', async () => {
    const [one, two] = [await target(), await target()];
    const routes = [
      { listen: '127.0.0.1:0', to: [one.address, two.address], balance: 'leastConnections' as const },
    ];
    const { device, links } = await box([], { routes, fault: { do: 'synDrop' } });
    const clients = [await client(device), await client(device)];
    await until(() => links.faults.active[0]?.hits === 2);
    links.faults.heal();
    for (const each of clients) {
      each.write('x');
      await read(each, 1);
    }
    expect([one.sockets.length, two.sockets.length]).toEqual([1, 1]);
  });

  it('listens again at the same address after an outage, and its flows continue', async () => {
    const { address } = await target();
    const { device } = await box([address]);
    const first = await client(device);
    const back = device.relisten(0, 50);
    await expect(client(device)).rejects.toThrow(/ECONNREFUSED/);
    await back;
    const second = await client(device);
    for (const each of [first, second]) {
      each.write('a');
      expect(await read(each, 1)).toBe('a');
    }
    await expect(device.relisten(1, 0)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it('resets a client whose target refuses, and says why', async () => {
    const { address } = await target();
    const free = createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const { port } = free.address() as AddressInfo;
    free.close();
    await once(free, 'close');
    const { device, next } = await box([`127.0.0.1:${port}`, address]);
    const socket = await client(device);
    const [error] = await once(socket, 'error');
    expect(error).toMatchObject({ code: 'ECONNRESET' });
    expect(await next('flow.refused')).toMatchObject({
      error: `dial tcp 127.0.0.1:${port}: connect: connection refused`,
    });
    expect(device.counts()).toMatchObject({ refusedFlows: 1, openFlows: 0 });
  });

  it('refuses wrong addresses and used ports, with a code', async () => {
    const { address } = await target();
    await expect(box(['nowhere'])).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    await expect(box([address], { routes: [{ listen: address, to: [address] }] })).rejects.toMatchObject({
      code: 'ADDRESS_IN_USE',
    });
  });
});
