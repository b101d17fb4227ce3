import { AnswerDebt } from '../answer-debt.js';
import type { Clock, Timer } from '../clock.js';
import { codeOfDialText } from '../dial-texts.js';
import type { ErrorCode } from '../errors.js';
import {
  type CloseResponsePacket,
  type ConnectId,
  closeRequest,
  type DataPacket,
  type DialClosePacket,
  type DialId,
  type DialResponsePacket,
  dialClose,
  dialRequest,
  dispatch,
  noConnection,
  type Packet,
  type PacketHandlers,
  payloadBytes,
  payloadPieces,
  sendData,
} from '../packet.js';
import type { Congestible, Drained, PacketPort } from '../port.js';
import { StallGuard } from '../stall-guard.js';

/** What the owner of a tunnelled connection is told; each method must return at once. */
export interface TunnelUser {
  established(): void;
  /** The dial ended without a connection. */
  failed(code: ErrorCode, text: string): void;
  /** Returns the reader's queue when it is full. */
  data(bytes: Uint8Array): Drained | undefined;
  /** The connection ended. `error` is empty after an ordinary end. */
  closed(error: string): void;
  packet(direction: 'in' | 'out', packet: Packet): void;
}

type State =
  | { readonly kind: 'dialing'; readonly timer: Timer }
  | { readonly kind: 'open'; readonly connectId: ConnectId }
  | { readonly kind: 'closing'; readonly connectId: ConnectId; readonly timer: Timer }
  | { readonly kind: 'ended' };

export interface TunnelMachineOptions {
  readonly clock: Clock;
  readonly server: PacketPort;
  readonly user: TunnelUser;
  readonly dialId: DialId;
  readonly address: string;
  /** kube-apiserver waits 30 s. */
  readonly dialTimeoutMs: number;
  /** How long to wait for the CLOSE_RSP; kube-apiserver waits 10 s. */
  readonly closeTimeoutMs: number;
  /** How long the reader may take nothing of a full queue before the connection is closed; 0 for ever. */
  readonly readTimeoutMs: number;
}

/** Why a connection ends whose reader sleeps: unread bytes hold up every other connection of its agent (R19). */
export const readStallText = 'nobody read from the connection for too long';

const ignore = (): Congestible | undefined => undefined;

const handlers: PacketHandlers<TunnelMachine, Congestible | undefined> = {
  DIAL_REQ: ignore,
  DIAL_RSP: (machine, packet) => machine.handleDialResponse(packet),
  CLOSE_REQ: ignore,
  CLOSE_RSP: (machine, packet) => machine.handleCloseResponse(packet),
  DATA: (machine, packet) => machine.handleData(packet),
  DIAL_CLS: (machine, packet) => machine.handleDialClose(packet),
  DRAIN: ignore,
  UNKNOWN: ignore,
};

/** A frontend's side of one Proxy stream, which carries one connection, without sockets. */
export class TunnelMachine {
  private state: State = { kind: 'ended' };
  private readonly options: TunnelMachineOptions;
  private reader: Drained | undefined;
  private readonly readGuard: StallGuard;
  private readonly debt: AnswerDebt;

  constructor(options: TunnelMachineOptions) {
    this.options = options;
    this.debt = new AnswerDebt(options.server);
    this.readGuard = new StallGuard({
      clock: options.clock,
      patienceMs: options.readTimeoutMs,
      takenBytes: () => this.reader?.takenBytes ?? 0,
      waiting: () =>
        options.readTimeoutMs > 0 && this.state.kind === 'open' && this.reader?.congested === true,
      stalled: () => this.abandonConnection(readStallText),
    });
  }

  get ended(): boolean {
    return this.state.kind === 'ended';
  }

  /** The connection ID while there is one. */
  get connectId(): ConnectId | undefined {
    return this.state.kind === 'open' || this.state.kind === 'closing' ? this.state.connectId : undefined;
  }

  dial(): void {
    const { clock, dialTimeoutMs, address, dialId } = this.options;
    const timer = clock.after(dialTimeoutMs, () =>
      this.abandonDial('DIAL_TIMEOUT', 'dial timeout, backstop'),
    );
    this.state = { kind: 'dialing', timer };
    this.send(dialRequest(address, dialId));
  }

  /** Gives the dial up; does nothing once it is answered. */
  cancel(): void {
    this.abandonDial('DIAL_CANCELLED', 'dial timeout, context');
  }

  handlePacket(packet: Packet): Congestible | undefined {
    this.options.user.packet('in', packet);
    return dispatch(handlers, this, packet);
  }

  /** Sends bytes in packets of at most 64 KiB; returns what may be too full now. */
  write(bytes: Uint8Array): Congestible | undefined {
    if (this.state.kind !== 'open') return undefined;
    sendData(this.state.connectId, bytes, (packet) => this.send(packet));
    return this.options.server;
  }

  /** Asks for the end of the connection, both directions: the wire has no half-close. */
  close(): void {
    if (this.state.kind === 'dialing') return this.cancel();
    if (this.state.kind !== 'open') return;
    this.readGuard.cancel();
    const { connectId } = this.state;
    const timer = this.options.clock.after(this.options.closeTimeoutMs, () => this.end('close timeout'));
    this.state = { kind: 'closing', connectId, timer };
    this.send(closeRequest(connectId));
  }

  /** The Proxy stream ended. `reason` is the transport's text, or empty. */
  streamLost(code: ErrorCode, reason: string): void {
    const { state } = this;
    if (state.kind === 'dialing') {
      this.leave(state.timer);
      this.options.user.failed(code, reason === '' ? 'tunnel closed' : reason);
    } else if (state.kind !== 'ended') {
      this.end(state.kind === 'closing' ? '' : reason === '' ? 'tunnel closed' : `tunnel closed: ${reason}`);
    }
  }

  handleDialResponse(packet: DialResponsePacket): Congestible | undefined {
    const { state } = this;
    if (state.kind !== 'dialing' || packet.dialId !== this.options.dialId) return undefined;
    if (packet.error !== '' || packet.connectId === noConnection) {
      this.leave(state.timer);
      if (packet.error !== '') this.options.user.failed(codeOfDialText(packet.error), packet.error);
      else this.options.user.failed('PROTOCOL_VIOLATION', 'DIAL_RSP without a connection ID');
      return undefined;
    }
    state.timer.cancel();
    this.state = { kind: 'open', connectId: packet.connectId };
    this.options.user.established();
    return undefined;
  }

  handleDialClose(packet: DialClosePacket): Congestible | undefined {
    const { state } = this;
    if (state.kind !== 'dialing' || packet.dialId !== this.options.dialId) return undefined;
    this.leave(state.timer);
    this.options.user.failed('DIAL_FAILED', 'dial closed');
    return undefined;
  }

  handleData(packet: DataPacket): Congestible | undefined {
    if (packet.connectId === noConnection || payloadBytes(packet) === 0) return undefined;
    if (this.state.kind === 'open' && this.state.connectId === packet.connectId) {
      for (const piece of payloadPieces(packet)) this.reader = this.options.user.data(piece);
      this.readGuard.watch();
      return this.reader;
    }
    if (this.connectId === packet.connectId) return undefined;
    this.send(closeRequest(packet.connectId));
    return this.debt.owe();
  }

  handleCloseResponse(packet: CloseResponsePacket): Congestible | undefined {
    if (this.connectId === packet.connectId) this.end(this.state.kind === 'closing' ? '' : packet.error);
    return undefined;
  }

  private abandonDial(code: ErrorCode, text: string): void {
    if (this.state.kind !== 'dialing') return;
    const { timer } = this.state;
    this.send(dialClose(this.options.dialId));
    this.leave(timer);
    this.options.user.failed(code, text);
  }

  private abandonConnection(text: string): void {
    if (this.state.kind !== 'open') return;
    this.send(closeRequest(this.state.connectId));
    this.end(text);
  }

  private end(error: string): void {
    this.readGuard.cancel();
    if (this.state.kind === 'closing') this.state.timer.cancel();
    this.state = { kind: 'ended' };
    this.options.user.closed(error);
  }

  private leave(timer: Timer): void {
    timer.cancel();
    this.state = { kind: 'ended' };
  }

  private send(packet: Packet): void {
    this.options.user.packet('out', packet);
    this.options.server.send(packet);
  }
}
