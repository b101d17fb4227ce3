import type { Socket } from 'node:net';
import { splitHostPort } from '../core/address.js';
import type { AgentMachine } from '../core/agent/machine.js';
import type { DialFailureReason, Endpoint, EndpointPort } from '../core/agent/state.js';
import type { Clock, Timer } from '../core/clock.js';
import { connectionMarks } from '../core/congestion.js';
import { TunnelError } from '../core/errors.js';
import { Waiters } from '../core/waiters.js';
import type { ConnectEndpoint } from './options.js';
import { takenBytes } from './socket-progress.js';

/** How long the endpoint of a closed connection may take nothing, and then how long it may stay open, ms. */
const finishTimeoutMs = 10_000;

export interface EndpointSocketOptions {
  readonly machine: AgentMachine;
  readonly endpoint: Endpoint;
  readonly connect: ConnectEndpoint;
  readonly dialTimeoutMs: number;
  readonly clock: Clock;
  /** Called once when the dial has failed or the socket has closed. */
  readonly gone: () => void;
}

export class EndpointSocket implements EndpointPort {
  private readonly abort = new AbortController();
  private readonly options: EndpointSocketOptions;
  private socket: Socket | undefined;
  private finishTimer: Timer | undefined;
  private readonly waiting = new Waiters();
  private givenBytes = 0;
  private passedBytes = 0;

  constructor(options: EndpointSocketOptions) {
    this.options = options;
    // Not at once: the machine must have this port before it gets the result.
    queueMicrotask(() => void this.dial());
  }

  get congested(): boolean {
    return (
      this.socket !== undefined &&
      !this.socket.destroyed &&
      this.socket.writableLength > connectionMarks.highBytes
    );
  }

  get takenBytes(): number {
    return this.socket === undefined ? 0 : takenBytes(this.socket);
  }

  whenClear(resume: () => void): void {
    this.waiting.add(resume);
  }

  /** Writes of one turn of the event loop leave in one system call. */
  write(data: Uint8Array): void {
    const { socket } = this;
    if (socket === undefined) return;
    if (socket.writableCorked === 0) {
      socket.cork();
      process.nextTick(() => socket.uncork());
    }
    this.givenBytes += data.length;
    if (this.options.endpoint.credits === undefined) socket.write(data);
    else socket.write(data, this.passed);
  }

  /** The system has taken one write or more. */
  private readonly passed = (): void => {
    const { machine, endpoint } = this.options;
    const bytes = this.givenBytes - this.passedBytes - (this.socket?.writableLength ?? 0);
    this.passedBytes += bytes;
    machine.endpointTook(endpoint, bytes);
  };

  finish(): void {
    const { socket } = this;
    if (socket === undefined || socket.destroyed || this.finishTimer !== undefined) return;
    // Later bytes of the endpoint are read and dropped until its end. Closing with unread bytes would reset the
    // connection, and a reset drops the bytes that the endpoint has not read yet.
    socket.removeAllListeners('data');
    socket.resume();
    socket.end();
    this.awaitFinish(socket);
  }

  destroy(): void {
    this.abort.abort();
    this.socket?.destroy();
  }

  /** Waits for an endpoint that still reads its queued bytes. Drops one that does not, or that never ends. */
  private awaitFinish(socket: Socket): void {
    const taken = takenBytes(socket);
    this.finishTimer = this.options.clock.after(finishTimeoutMs, () => {
      if (takenBytes(socket) > taken) this.awaitFinish(socket);
      else socket.destroy();
    });
  }

  private async dial(): Promise<void> {
    const { endpoint, machine, connect, dialTimeoutMs, gone } = this.options;
    try {
      const target = splitHostPort(endpoint.address);
      if (target === undefined) throw badAddress(endpoint.address);
      const options = { signal: this.abort.signal, timeoutMs: dialTimeoutMs };
      this.open(await connect(target.host, target.port, options));
    } catch (error) {
      const failure = TunnelError.from(error, 'DIAL_FAILED');
      machine.dialFailed(endpoint, failure.message, reasonOf(failure));
      gone();
    }
  }

  private open(socket: Socket): void {
    const { endpoint, machine } = this.options;
    socket.on('error', () => undefined);
    socket.on('close', () => this.closed());
    this.socket = socket;
    if (this.abort.signal.aborted || endpoint.kind !== 'dialing') {
      socket.destroy();
      return;
    }
    socket.on('drain', () => this.waiting.wake());
    socket.on('end', () => machine.endpointEnded(endpoint));
    // The answer is sent before the first byte of the endpoint is read (R16).
    machine.dialSucceeded(endpoint);
    socket.on('data', (data: Buffer) => this.forward(socket, data));
  }

  private closed(): void {
    const { endpoint, machine, gone } = this.options;
    this.finishTimer?.cancel();
    this.waiting.wake();
    machine.endpointEnded(endpoint);
    gone();
  }

  private forward(socket: Socket, data: Buffer): void {
    const full = this.options.machine.endpointData(this.options.endpoint, data);
    if (full === undefined || !full.congested) return;
    socket.pause();
    full.whenClear(() => socket.resume());
  }
}

const reasonsByCode: Readonly<Record<string, DialFailureReason>> = {
  ECONNREFUSED: 'refused',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  ENOTFOUND: 'not_found',
  ENODATA: 'not_found',
};

function reasonOf({ code, cause }: TunnelError): DialFailureReason {
  if (code === 'DIAL_TIMEOUT') return 'timeout';
  const systemCode = (cause as NodeJS.ErrnoException | undefined)?.code ?? '';
  return reasonsByCode[systemCode] ?? 'other';
}

function badAddress(address: string): TunnelError {
  const port = /:(\d+)$/.exec(address)?.[1];
  const what =
    port === undefined ? `address ${address}: missing port in address` : `address ${port}: invalid port`;
  return new TunnelError('DIAL_FAILED', `dial tcp: ${what}`);
}
