import type { Clock, Timer } from '../clock.js';
import { CongestionMeter } from '../congestion.js';
import { type FaithfulSet, nothingFaithful } from '../faithful.js';
import {
  type CloseResponsePacket,
  type ConnectId,
  closeRequest,
  type DataPacket,
  type DialId,
  type DialResponsePacket,
  dialClose,
  dialRequest,
  dispatch,
  maxDataBytes,
  type Packet,
  type PacketHandlers,
  payloadPieces,
  sendData,
} from '../packet.js';
import type { ClosablePort, Congestible, Drained } from '../port.js';
import { StallGuard, stallPatienceMs } from '../stall-guard.js';
import { earlyResponse, establishedResponse, failureInTunnel, failureResponse } from './responses.js';

/** The socket of a client, as the machine uses it; a driver owns it. */
export interface ConnectClient extends Drained {
  /** Queues bytes for the client. */
  write(bytes: Uint8Array): void;
  /**
   * Writes what is queued, then ends our direction. What the client still sends is read and dropped. `ended` is called
   * once the system has it all, if it ever does.
   */
  end(ended: () => void): void;
  /** Closes at once; what is queued is lost. */
  destroy(): void;
}

export interface ConnectFrontendOptions {
  readonly clock: Clock;
  readonly client: ConnectClient;
  readonly dialId: DialId;
  /** `host:port`, the authority of the request line. */
  readonly address: string;
  /** Hands a packet of this frontend to the server machine; returns what may be too full now. */
  readonly toServer: (packet: Packet) => Congestible | undefined;
  /** Behaviours of the original that are wanted back; default none. */
  readonly faithful?: FaithfulSet;
  /** Called once when the dial is over, whatever became of it. */
  readonly dialOver?: () => void;
}

type State =
  | { readonly kind: 'dialing'; readonly early: Uint8Array[] }
  | { readonly kind: 'open' | 'closing'; readonly connectId: ConnectId }
  | { readonly kind: 'ended' };

/** What a client may send before its dial is answered; then it is not read on, bytes. */
const earlyMarks = { highBytes: maxDataBytes, lowBytes: 0 };

/**
 * After the last byte of an ended connection: how long a client that leaves it open is read on, ms. To close with unread
 * bytes is a reset, which Konnectivity risks at once; a client that is still writing may miss its answer by one.
 */
export const lingerMs = 500;

const ignore = (): void => undefined;

const handlers: PacketHandlers<ConnectFrontend, void> = {
  DIAL_REQ: ignore,
  DIAL_RSP: (frontend, packet) => frontend.handleDialResponse(packet),
  CLOSE_REQ: ignore,
  CLOSE_RSP: (frontend, packet) => frontend.handleCloseResponse(packet),
  DATA: (frontend, packet) => frontend.handleData(packet),
  DIAL_CLS: (frontend) => frontend.finish(),
  DRAIN: ignore,
  UNKNOWN: ignore,
};

/**
 * One CONNECT request as a frontend stream: towards the server machine it is a port for packets like any other, towards
 * its client it is bytes. So every rule of dials and connections holds for it, too.
 */
export class ConnectFrontend implements ClosablePort {
  private readonly options: ConnectFrontendOptions;
  private readonly early = new CongestionMeter(earlyMarks);
  private readonly guard: StallGuard;
  private readonly answersEarly: boolean;
  private lingering: Timer | undefined;
  private isGone = false;
  private state: State = { kind: 'dialing', early: [] };

  constructor(options: ConnectFrontendOptions) {
    this.options = options;
    this.answersEarly = (options.faithful ?? nothingFaithful).has('connect-200-before-dial');
    const { clock, client } = options;
    this.guard = new StallGuard({
      clock,
      patienceMs: stallPatienceMs,
      takenBytes: () => client.takenBytes,
      waiting: () => this.state.kind === 'ended',
      stalled: () => client.destroy(),
    });
  }

  get congested(): boolean {
    return this.options.client.congested;
  }

  get takenBytes(): number {
    return this.options.client.takenBytes;
  }

  whenClear(resume: () => void): void {
    this.options.client.whenClear(resume);
  }

  /** Asks the server for the connection. */
  dial(): void {
    const { address, dialId, toServer } = this.options;
    if (this.answersEarly) this.write(earlyResponse);
    toServer(dialRequest(address, dialId));
  }

  /** Bytes from the client, those that came with its request first; returns what may be too full now (R24). */
  received(bytes: Uint8Array): Congestible | undefined {
    const { state } = this;
    if (state.kind === 'open') return this.sendData(state.connectId, bytes);
    if (state.kind !== 'dialing') return undefined;
    state.early.push(bytes);
    this.early.add(bytes.length);
    return this.early;
  }

  /** The client sends nothing more. There is no half-close: that ends the dial, or the connection (R26). */
  clientEnded(): void {
    const { state } = this;
    const { dialId, toServer } = this.options;
    if (state.kind === 'dialing') {
      this.finish();
      toServer(dialClose(dialId));
    } else if (state.kind === 'open') {
      this.state = { kind: 'closing', connectId: state.connectId };
      toServer(closeRequest(state.connectId));
    }
  }

  /** The socket is closed: nothing is left to wait for. */
  clientGone(): void {
    this.leave();
    this.guard.cancel();
    this.lingering?.cancel();
    this.isGone = true;
  }

  /** A packet of the server for this frontend. */
  send(packet: Packet): void {
    dispatch(handlers, this, packet);
  }

  finish(): void {
    if (this.state.kind === 'ended') return;
    this.leave();
    this.guard.watch();
    this.options.client.end(() => this.linger());
  }

  cancel(): void {
    this.leave();
    this.options.client.destroy();
  }

  handleDialResponse(packet: DialResponsePacket): void {
    const { state } = this;
    if (state.kind !== 'dialing' || packet.dialId !== this.options.dialId) return;
    if (packet.error !== '') {
      this.write(this.answersEarly ? failureInTunnel(packet.error) : failureResponse(packet.error));
      return this.finish();
    }
    this.state = { kind: 'open', connectId: packet.connectId };
    if (!this.answersEarly) this.write(establishedResponse);
    for (const bytes of state.early) this.sendData(packet.connectId, bytes);
    this.early.clear();
    this.options.dialOver?.();
  }

  handleData(packet: DataPacket): void {
    if (!this.owns(packet.connectId)) return;
    for (const piece of payloadPieces(packet)) this.options.client.write(piece);
  }

  /** HTTP has no words for the error of a CLOSE_RSP: whatever it says, the connection just ends. */
  handleCloseResponse(packet: CloseResponsePacket): void {
    if (this.owns(packet.connectId)) this.finish();
  }

  private linger(): void {
    if (this.isGone) return;
    const { clock, client } = this.options;
    this.lingering = clock.after(lingerMs, () => client.destroy());
  }

  private owns(connectId: ConnectId): boolean {
    const { state } = this;
    return (state.kind === 'open' || state.kind === 'closing') && state.connectId === connectId;
  }

  private write(text: string): void {
    this.options.client.write(new TextEncoder().encode(text));
  }

  private sendData(connectId: ConnectId, bytes: Uint8Array): Congestible | undefined {
    let full: Congestible | undefined;
    sendData(connectId, bytes, (packet) => {
      full = this.options.toServer(packet);
    });
    return full;
  }

  private leave(): void {
    const wasDialing = this.state.kind === 'dialing';
    this.state = { kind: 'ended' };
    this.early.clear();
    if (wasDialing) this.options.dialOver?.();
  }
}
