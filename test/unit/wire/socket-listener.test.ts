import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listenOn, maxSocketPathBytes } from '../../../src/wire/net/socket-listener.js';
import { scratchFolder } from '../../support/konnsim.js';
import { once } from '../../support/waits.js';

let folder: Awaited<ReturnType<typeof scratchFolder>>;

beforeEach(async () => {
  folder = await scratchFolder();
});
afterEach(() => folder.remove());

const pathOf = (bytes: number): string => join(folder.path, 'x'.repeat(bytes)).slice(0, bytes);
const options = { where: 'server/test', take: () => undefined };

describe('a Unix socket', () => {
  it('whose path is longer than the system takes is refused, and leaves neither file nor listener', async () => {
    const path = pathOf(maxSocketPathBytes + 1);
    await expect(listenOn({ path }, options)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('too long'),
      where: 'server/test',
    });
    expect(readdirSync(folder.path)).toEqual([]);
  });

  it('may have a path of the maximum length', async () => {
    const path = pathOf(maxSocketPathBytes);
    const { listener, address } = await listenOn({ path }, options);
    expect(address).toBe(`unix://${path}`);
    const socket = connect(path);
    await once(socket, 'connect');
    socket.destroy();
    listener.close();
    await once(listener, 'close');
  });

  it('takes a burst of more connections than Node waits for by default', async () => {
    const path = join(folder.path, 's');
    const { listener } = await listenOn(
      { path },
      { where: 'server/test', take: (socket) => socket.resume() },
    );
    // All of them in one turn of the event loop, before the listener can accept the first.
    const sockets = Array.from({ length: 1_000 }, () => connect(path));
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    for (const socket of sockets) socket.destroy();
    listener.close();
    await once(listener, 'close');
  });
});
