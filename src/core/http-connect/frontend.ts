import type { Clock, Timer } from '../clock.js';
import { CongestionMeter } from '../congestion.js';
import { type FaithfulSet, nothingFaithful } from '../faithful.js';
import {
  closeRequest,
  type DialId,
  dialClose,
  dialRequest,
  dispatch,
  maxDataBytes,
  type Packet,
} from '../packet.js';
import { type ClosablePort, type Congestible, QueueFront } from '../port.js';
import { ReceiveWindow, type WindowBudget, windowBytes } from '../receive-window.js';
import { StallGuard, stallPatienceMs } from '../stall-guard.js';
import { connectHandlers } from './handlers.js';
import { earlyResponse } from './responses.js';
import { type ConnectClient, type ConnectContext, sendBytes, writeText } from './state.js';

export interface ConnectFrontendOptions {
  readonly clock: Clock;
  readonly client: ConnectClient;
  readonly dialId: DialId;
  /** `host:port`, the authority of the request line. */
  readonly address: string;
  /** Passes a packet of this frontend to the server machine. Returns the queue that may be too full now. */
  readonly toServer: (packet: Packet) => Congestible | undefined;
  readonly faithful?: FaithfulSet;
  /** Asks the agent for flow control, with a window from this budget. Default: no flow control. */
  readonly windowBudget?: WindowBudget | undefined;
  /** Called once when the dial has succeeded or failed. */
  readonly dialOver?: () => void;
}

/** How much a client may send before its dial is answered. After that it is not read, bytes. */
const earlyMarks = { highBytes: maxDataBytes, lowBytes: 0 };

/**
 * How long a client may keep an ended connection open, ms. Its bytes are read and dropped: closing with unread bytes
 * would reset the connection, and a client that is still writing could lose its answer. Konnectivity closes at once.
 */
export const lingerMs = 500;

/** One CONNECT request as a frontend stream: the machine sees packets, the client bytes. So all dial rules apply. */
export class ConnectFrontend extends QueueFront<ConnectClient> implements ClosablePort {
  private readonly options: ConnectFrontendOptions;
  private readonly context: ConnectContext;
  private readonly guard: StallGuard;
  private lingering: Timer | undefined;
  private isGone = false;

  constructor(options: ConnectFrontendOptions) {
    const { clock, client, dialId, toServer, faithful = nothingFaithful, windowBudget } = options;
    super(client);
    this.options = options;
    this.context = {
      client,
      dialId,
      toServer,
      window: windowBudget && new ReceiveWindow(clock, windowBudget),
      answersEarly: faithful.has('connect-200-before-dial'),
      dialOver: () => options.dialOver?.(),
      early: new CongestionMeter(earlyMarks),
      finish: () => this.finish(),
      state: { kind: 'dialing', early: [] },
      textBytes: 0,
      credits: undefined,
    };
    this.guard = new StallGuard({
      clock,
      patienceMs: stallPatienceMs,
      takenBytes: () => client.takenBytes,
      waiting: () => this.context.state.kind === 'ended',
      stalled: () => client.destroy(),
    });
  }

  dial(): void {
    const { address, dialId, toServer } = this.options;
    const { answersEarly, window } = this.context;
    if (answersEarly) writeText(this.context, earlyResponse);
    toServer(dialRequest(address, dialId, window === undefined ? 0 : windowBytes));
  }

  /** Bytes from the client, first those with its request. Returns the queue that may be too full now (R24). */
  received(bytes: Uint8Array): Congestible | undefined {
    const { state, early } = this.context;
    if (state.kind === 'open') return sendBytes(this.context, state.connectId, bytes);
    if (state.kind !== 'dialing') return undefined;
    state.early.push(bytes);
    early.add(bytes.length);
    return early;
  }

  /** The client has taken bytes. */
  took(bytes: number): void {
    const { context } = this;
    const text = Math.min(bytes, context.textBytes);
    context.textBytes -= text;
    if (context.state.kind === 'open') context.credits?.took(bytes - text);
  }

  /** The client ended its direction. There is no half-close: this ends the dial or the connection (R26). */
  clientEnded(): void {
    const { state, dialId, toServer, credits } = this.context;
    // What waits for credit comes first.
    if (credits?.congested === true) return credits.whenClear(() => this.clientEnded());
    if (state.kind === 'dialing') {
      this.finish();
      toServer(dialClose(dialId));
    } else if (state.kind === 'open') {
      this.context.state = { kind: 'closing', connectId: state.connectId };
      toServer(closeRequest(state.connectId));
    }
  }

  clientGone(): void {
    this.leave();
    this.guard.cancel();
    this.lingering?.cancel();
    this.isGone = true;
  }

  /** A packet of the server for this frontend. */
  send(packet: Packet): void {
    dispatch(connectHandlers, this.context, packet);
  }

  finish(): void {
    if (this.context.state.kind === 'ended') return;
    this.leave();
    this.guard.watch();
    this.options.client.end(() => this.linger());
  }

  cancel(): void {
    this.leave();
    this.options.client.destroy();
  }

  private linger(): void {
    if (this.isGone) return;
    const { clock, client } = this.options;
    this.lingering = clock.after(lingerMs, () => client.destroy());
  }

  private leave(): void {
    const wasDialing = this.context.state.kind === 'dialing';
    this.context.state = { kind: 'ended' };
    this.context.early.clear();
    this.context.credits?.drop();
    if (wasDialing) this.context.dialOver();
  }
}
