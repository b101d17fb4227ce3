import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

const host = '127.0.0.1';

export interface PairOwner {
  /** The other end, which is paused and may be half open. It may come before or after `near` emits `connect`. */
  readonly joined: (far: Socket) => void;
  /** `near` has closed and has no other end. */
  readonly lost: () => void;
}

/** Makes pairs of connected sockets, which Node has no call for: one listener on the loopback for all pairs. */
export class SocketPairs {
  private server: Server | undefined;
  private connecting = 0;
  /** Far ends whose near end does not know its port yet, by that port. */
  private readonly arrived = new Map<number, Socket>();
  private readonly expected = new Map<number, (far: Socket) => void>();
  private listening: Promise<number> | undefined;
  private isClosed = false;

  /** Connects `near`, a new socket. Calls one function of its owner, once. Errors go to `near`. */
  connect(near: Socket, { joined, lost }: PairOwner): void {
    this.connecting += 1;
    const tried = (): void => {
      this.connecting -= 1;
      if (this.connecting === 0) this.refuseStrangers();
    };
    const gone = (): void => {
      tried();
      lost();
    };
    near.once('close', gone);
    near.once('connect', () => {
      const { localPort: port } = near;
      // A listener before this one has destroyed it, and its end follows.
      if (port === undefined) return;
      near.off('close', gone);
      const far = this.arrived.get(port);
      this.arrived.delete(port);
      if (far === undefined) this.expected.set(port, joined);
      else joined(far);
      tried();
    });
    this.port().then(
      (port) => {
        if (!near.destroyed) near.connect({ host, port });
      },
      (cause: Error) => near.destroy(cause),
    );
  }

  close(): void {
    this.isClosed = true;
    this.server?.close();
    this.refuseStrangers();
  }

  private async port(): Promise<number> {
    if (this.isClosed) throw new Error('the links are closed');
    this.listening ??= this.listen();
    try {
      return await this.listening;
    } catch (error) {
      // A later try may find a free descriptor.
      this.listening = undefined;
      throw error;
    }
  }

  private async listen(): Promise<number> {
    const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true });
    server.on('connection', (far) => this.accept(far));
    server.on('error', () => undefined);
    await once(server.listen(0, host), 'listening');
    if (this.isClosed) server.close();
    this.server = server;
    return (server.address() as AddressInfo | null)?.port ?? 0;
  }

  private accept(far: Socket): void {
    far.on('error', () => undefined);
    // A port alone does not name an end: 127.0.0.2 has the same ports.
    if (far.remoteAddress !== host) return void far.destroy();
    const port = far.remotePort ?? 0;
    const joined = this.expected.get(port);
    this.expected.delete(port);
    if (joined !== undefined) joined(far);
    else if (this.connecting > 0) this.arrived.set(port, far);
    else far.destroy();
  }

  /** Another program may have connected. No near end will ask for its socket. */
  private refuseStrangers(): void {
    for (const far of this.arrived.values()) far.destroy();
    this.arrived.clear();
  }
}
