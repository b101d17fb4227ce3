import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { scratchFolder } from '../../support/konnsim.js';
import { closeAfterEach, closers, edge, failed, link } from '../../support/link-bench.js';
import { once } from '../../support/waits.js';

closeAfterEach();

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
    links.faults.set({ do: 'synDrop' });
    const socket = open();
    socket.destroy();
    await once(socket, 'close');
    links.faults.heal();
    await connected();
    expect(far).toHaveLength(1);
  });
});

describe('the sockets of a link', () => {
  it('are closed when the client goes before it is joined', async () => {
    const { open, far } = await link();
    const early = open();
    early.on('connect', () => early.destroy());
    await once(early, 'close');
    const late = open();
    await once(late, 'connect');
    late.destroy();
    await expect
      .poll(() => far.map(({ destroyed, readableEnded }) => destroyed || readableEnded))
      .toEqual([true, true]);
  });

  it('are reset also where a Unix socket has no reset', async () => {
    const folder = await scratchFolder();
    closers.push(() => folder.remove());
    const path = join(folder.path, 'far.sock');
    const far: Socket[] = [];
    const server = createServer((socket) => far.push(socket.on('error', () => undefined))).listen(path);
    await once(server, 'listening');
    closers.push(() => server.close());
    const { links } = await link();
    const one = links.open(edge, { path });
    await once(one, 'connect');
    const told = failed(one);
    links.faults.set({ do: 'reset' }).remove();
    expect(await told).toMatchObject({ code: 'ECONNRESET' });
    const two = links.open(edge, { path });
    await once(two, 'connect');
    two.resetAndDestroy();
    await expect.poll(() => far.map(({ destroyed }) => destroyed)).toEqual([true, true]);
  });

  it('are none after the end: an attempt that waits never connects', async () => {
    const { links, open, far } = await link();
    links.faults.set({ do: 'synDrop' });
    const waiting = open();
    links.close();
    expect(await failed(open())).toMatchObject({ code: 'ECONNREFUSED' });
    expect([waiting.pending, far]).toEqual([true, []]);
  });
});
