import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { TunnelError } from '../../core/errors.js';
import { joinStreams } from '../../wire/net/join-streams.js';

/** Socket paths longer than this do not fit `sockaddr_un` on every system. */
const maxSocketPathLength = 100;

/** A private address. Each connection to it is carried over a new stream. */
export interface DialBridge {
  /** The address in gRPC's form: `unix:/path` or `127.0.0.1:port`. */
  readonly target: string;
  /** Why the last stream could not be opened. */
  readonly lastError: TunnelError | undefined;
  readonly openConnections: number;
  cut(): void;
  close(): Promise<void>;
}

interface Place {
  readonly folder: string | undefined;
  readonly socketPath: string | undefined;
}

/** A new folder that only this user can open. Undefined when Unix sockets do not exist or the path is too long. */
async function choosePlace(): Promise<Place> {
  const none = { folder: undefined, socketPath: undefined };
  if (process.platform === 'win32') return none;
  const folder = await mkdtemp(join(tmpdir(), `konnsim-${process.pid}-`)).catch((cause: Error) => {
    const hint = 'Set TMPDIR to a folder that exists and where you may write.';
    const text = `no folder for temporary files: ${cause.message}`;
    throw new TunnelError('FILE_UNWRITABLE', text, { where: 'TMPDIR', hint, cause });
  });
  const socketPath = join(folder, 'k');
  if (socketPath.length <= maxSocketPathLength) return { folder, socketPath };
  await rm(folder, { recursive: true, force: true });
  return none;
}

function listen(server: Server, socketPath: string | undefined): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    const listening = (): void => {
      server.off('error', reject);
      server.on('error', () => undefined);
      if (socketPath !== undefined) resolve(`unix:${socketPath}`);
      else resolve(`127.0.0.1:${(server.address() as AddressInfo).port}`);
    };
    if (socketPath !== undefined) server.listen(socketPath, listening);
    else server.listen(0, '127.0.0.1', listening);
  });
}

class Bridge {
  readonly server: Server;
  lastError: TunnelError | undefined;
  private readonly sockets = new Set<Socket>();
  private readonly dial: () => Promise<Duplex>;

  constructor(dial: () => Promise<Duplex>) {
    this.dial = dial;
    this.server = createServer((socket) => void this.carry(socket));
  }

  get openConnections(): number {
    return this.sockets.size;
  }

  cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  private async carry(socket: Socket): Promise<void> {
    this.sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => this.sockets.delete(socket));
    try {
      const stream = await this.dial();
      if (socket.destroyed) return void stream.destroy();
      await joinStreams(socket, stream);
    } catch (caught) {
      this.lastError = lossOf(caught);
      socket.destroy();
    }
  }
}

/** A stream that closed without an error (Node's "Premature close") means that the tunnel closed. */
function lossOf(caught: unknown): TunnelError {
  if (caught instanceof TunnelError) return caught;
  return new TunnelError('TUNNEL_CLOSED', 'tunnel closed', { cause: caught });
}

/** Opens the bridge. `dial` is called once for each connection to it. */
export async function openDialBridge(dial: () => Promise<Duplex>): Promise<DialBridge> {
  const bridge = new Bridge(dial);
  const place = await choosePlace();
  const removeFolder = async (): Promise<void> => {
    if (place.folder !== undefined) await rm(place.folder, { recursive: true, force: true });
  };
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => bridge.server.close(() => resolve()));
    bridge.cut();
    await closed;
    await removeFolder();
  };
  const target = await listen(bridge.server, place.socketPath).catch(async (caught: unknown) => {
    await removeFolder();
    throw TunnelError.from(caught, 'ADDRESS_UNAVAILABLE', place.folder);
  });
  return {
    target,
    get lastError() {
      return bridge.lastError;
    },
    get openConnections() {
      return bridge.openConnections;
    },
    cut: () => bridge.cut(),
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}
