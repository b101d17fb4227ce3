import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { takenBytes } from '../../../src/agent/socket-progress.js';
import { once } from '../../support/waits.js';

describe('takenBytes', () => {
  it('grows while a single large write is under way, which node’s public counts do not show', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    const [peer] = (await once(server, 'connection')) as [Socket];
    peer.pause();
    socket.write(Buffer.alloc(64 << 20));
    await expect.poll(() => takenBytes(socket)).toBeGreaterThan(0);
    const stuck = takenBytes(socket);
    expect(socket.bytesWritten - socket.writableLength).toBe(0);
    let read = 0;
    peer.on('data', (chunk: Buffer) => {
      read += chunk.length;
      if (read > 8 << 20) peer.pause();
    });
    peer.resume();
    await expect.poll(() => takenBytes(socket)).toBeGreaterThan(stuck);
    expect(takenBytes(socket)).toBeLessThan(64 << 20);
    socket.destroy();
    peer.destroy();
    server.close();
    await once(server, 'close');
  });

  it('falls back to the public counts', () => {
    const bare = { bytesWritten: 10, writableLength: 4, _handle: null } as unknown as Socket;
    expect(takenBytes(bare)).toBe(6);
  });
});
