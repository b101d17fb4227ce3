import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

const host = '127.0.0.1';

/** Makes pairs of connected sockets, which Node has no call for: one listener on the loopback for all pairs. */
export class SocketPairs {
  private server: Server | undefined;
  private listening: Promise<unknown> | undefined;
  private connecting = 0;
  /** Far ends whose near end does not know its port yet, by that port. */
  private readonly arrived = new Map<number, Socket>();
  private readonly expected = new Map<number, (far: Socket) => void>();

  /**
   * Connects `near`, a new socket, and calls `joined` with its other end, which is paused and may be half open. That
   * happens before or after `near` emits `connect`. Errors go to `near`.
   */
  connect(near: Socket, joined: (far: Socket) => void): void {
    this.connecting += 1;
    const tried = (): void => {
      this.connecting -= 1;
      if (this.connecting === 0) this.refuseStrangers();
    };
    near.once('connect', () => {
      const port = near.localPort ?? 0;
      const far = this.arrived.get(port);
      this.arrived.delete(port);
      if (far === undefined) this.expected.set(port, joined);
      else joined(far);
      near.off('close', tried);
      tried();
    });
    near.once('close', tried);
    this.port().then(
      (port) => {
        if (!near.destroyed) near.connect({ host, port });
      },
      (cause: Error) => near.destroy(cause),
    );
  }

  close(): void {
    this.server?.close();
    this.refuseStrangers();
  }

  private async port(): Promise<number> {
    this.server ??= this.listen();
    await this.listening;
    return (this.server.address() as AddressInfo | null)?.port ?? 0;
  }

  private listen(): Server {
    const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true });
    server.on('connection', (far) => this.accept(far));
    server.on('error', () => undefined);
    this.listening = once(server.listen(0, host), 'listening');
    return server;
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
