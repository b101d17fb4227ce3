import type { Clock } from '../clock.js';
import type { ErrorCode } from '../errors.js';
import {
  type ConnectId,
  closeRequest,
  type DialId,
  dialClose,
  dialRequest,
  dispatch,
  type Packet,
  sendData,
} from '../packet.js';
import type { Congestible, PacketPort } from '../port.js';
import { ReceiveWindow, WindowBudget, windowBytes } from '../receive-window.js';
import { StallGuard } from '../stall-guard.js';
import { UnreadAnswers } from '../unread-answers.js';
import { tunnelHandlers } from './handlers.js';
import {
  abandonConnection,
  connectIdOf,
  endConnection,
  failDial,
  sendToServer,
  type TunnelContext,
  type TunnelState,
  type TunnelUser,
} from './state.js';

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
  /** How long the reader of a full queue may take nothing before the connection is closed, ms. 0 means no limit. */
  readonly readTimeoutMs: number;
  /** Asks the agent for flow control. Default false. */
  readonly flowControl?: boolean;
}

/** The error of a reader that takes nothing: its bytes hold up all other connections of its agent (R19). */
export const readStallText = 'the connection was not read for too long';

/** A frontend's side of one Proxy stream, which carries one connection, without sockets. */
export class TunnelMachine {
  private readonly options: TunnelMachineOptions;
  private readonly context: TunnelContext;

  constructor(options: TunnelMachineOptions) {
    const { clock, server, user, dialId, readTimeoutMs } = options;
    this.options = options;
    const guard = new StallGuard({
      clock,
      patienceMs: readTimeoutMs,
      takenBytes: () => this.context.reader?.takenBytes ?? 0,
      waiting: () =>
        readTimeoutMs > 0 && this.context.state.kind === 'open' && this.context.reader?.congested === true,
      stalled: () => abandonConnection(this.context, readStallText),
    });
    const unreadAnswers = new UnreadAnswers(server);
    this.context = {
      clock,
      server,
      user,
      dialId,
      unreadAnswers,
      guard,
      state: { kind: 'ended' },
      reader: undefined,
      creditsAgreed: false,
      window: undefined,
      credits: undefined,
    };
  }

  get ended(): boolean {
    return this.context.state.kind === 'ended';
  }

  get state(): TunnelState['kind'] {
    return this.context.state.kind;
  }

  get connectId(): ConnectId | undefined {
    return connectIdOf(this.context);
  }

  dial(): void {
    const { clock, dialTimeoutMs, address, dialId, flowControl = false } = this.options;
    const timer = clock.after(dialTimeoutMs, () =>
      this.abandonDial('DIAL_TIMEOUT', 'dial timeout, backstop'),
    );
    this.context.state = { kind: 'dialing', timer };
    if (flowControl) this.context.window = new ReceiveWindow(clock, new WindowBudget());
    sendToServer(this.context, dialRequest(address, dialId, flowControl ? windowBytes : 0));
  }

  /** The server knows flow control, which this machine has asked for. */
  agreeOnCredits(): void {
    this.context.creditsAgreed = true;
  }

  /** Cancels the dial. Does nothing after its answer. */
  cancel(): void {
    this.abandonDial('DIAL_CANCELLED', 'dial timeout, context');
  }

  handlePacket(packet: Packet): Congestible | undefined {
    this.context.user.packet('in', packet);
    return dispatch(tunnelHandlers, this.context, packet);
  }

  /** Sends bytes in packets of at most 64 KiB. Returns the queue that may be too full now. */
  write(bytes: Uint8Array): Congestible | undefined {
    const { state, server, credits } = this.context;
    if (state.kind !== 'open') return undefined;
    if (credits !== undefined) return credits.write(bytes);
    sendData(state.connectId, bytes, (packet) => sendToServer(this.context, packet));
    return server;
  }

  /** The reader has taken bytes. */
  took(bytes: number): void {
    if (this.context.state.kind === 'open') this.context.credits?.took(bytes);
  }

  /** Closes the connection in both directions: the protocol has no half-close. Bytes that wait for credit are lost. */
  close(): void {
    const { state, clock, guard } = this.context;
    if (state.kind === 'dialing') return this.cancel();
    if (state.kind !== 'open') return;
    guard.cancel();
    const { connectId } = state;
    const timer = clock.after(this.options.closeTimeoutMs, () =>
      endConnection(this.context, 'close timeout'),
    );
    this.context.state = { kind: 'closing', connectId, timer };
    sendToServer(this.context, closeRequest(connectId));
    this.context.credits?.drop();
  }

  /** The Proxy stream ended. `reason` is the transport's text, or empty. */
  streamLost(code: ErrorCode, reason: string): void {
    const { kind } = this.context.state;
    if (kind === 'ended') return;
    if (kind === 'dialing') return failDial(this.context, code, reason === '' ? 'tunnel closed' : reason);
    const error = reason === '' ? 'tunnel closed' : `tunnel closed: ${reason}`;
    endConnection(this.context, kind === 'closing' ? '' : error);
  }

  private abandonDial(code: ErrorCode, text: string): void {
    if (this.context.state.kind !== 'dialing') return;
    sendToServer(this.context, dialClose(this.options.dialId));
    failDial(this.context, code, text);
  }
}
