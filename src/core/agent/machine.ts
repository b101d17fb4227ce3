import { AnswerDebt } from '../answer-debt.js';
import type { Clock, Timer } from '../clock.js';
import { type FaithfulSet, nothingFaithful } from '../faithful.js';
import {
  type ConnectId,
  closeResponse,
  connectId,
  type DialId,
  dataPacket,
  dialFailure,
  dialSuccess,
  dispatch,
  drainPacket,
  maxDataBytes,
  type Packet,
} from '../packet.js';
import type { Congestible, Drained, PacketPort } from '../port.js';
import { StallGuard, stallPatienceMs } from '../stall-guard.js';
import { agentHandlers } from './handlers.js';

/** How the agent reaches the world behind it. The machine calls it; a driver owns the socket. */
export interface EndpointPort extends Drained {
  /** Queues bytes for the endpoint. */
  write(data: Uint8Array): void;
  /** Writes what is queued, then closes. What the endpoint still sends is dropped. */
  finish(): void;
  /** Gives up a dial, or drops the socket with all that is queued. */
  destroy(): void;
}

/** Opens an endpoint. The answer is given to `dialSucceeded` or `dialFailed` with the same endpoint, never at once. */
export type OpenEndpoint = (endpoint: Endpoint) => EndpointPort;

/** One connection to an endpoint, from its DIAL_REQ on. */
export interface Endpoint {
  readonly dialId: DialId;
  readonly connectId: ConnectId;
  readonly address: string;
  readonly startedAt: number;
  kind: 'dialing' | 'open' | 'closed';
  port: EndpointPort | undefined;
  timer: Timer | undefined;
  /** Payload passed on so far, bytes. */
  toEndpointBytes: number;
  fromEndpointBytes: number;
  /** Drops an endpoint that does not read: while its queue is full, nobody on this server stream is served (R19). */
  readonly guard: StallGuard;
}

/** What an endpoint's frontend is told when it is dropped for not reading. */
export const endpointStallText = 'the endpoint does not read';

/** Why a connection to an endpoint ended. */
export const endpointCloseReasons = [
  'server',
  'endpoint',
  'server_lost',
  'endpoint_stalled',
  'dial_cancelled',
] as const;
export type EndpointCloseReason = (typeof endpointCloseReasons)[number];

/** What an agent machine tells about itself; each method must return at once. */
export interface AgentObserver {
  packet(direction: 'from_server' | 'to_server', packet: Packet): void;
  dialStarted(endpoint: Endpoint): void;
  dialSucceeded(endpoint: Endpoint, tookMs: number): void;
  dialFailed(endpoint: Endpoint, text: string, timedOut: boolean): void;
  endpointClosed(endpoint: Endpoint, livedMs: number, reason: EndpointCloseReason): void;
}

export interface AgentMachineOptions {
  readonly clock: Clock;
  readonly observer: AgentObserver;
  readonly server: PacketPort;
  readonly openEndpoint: OpenEndpoint;
  /** Shared by all streams of a process, so that no two connections of it bear one ID. */
  readonly nextConnectId: () => ConnectId;
  /** Konnectivity's agent uses 5 s. */
  readonly dialTimeoutMs: number;
  /** Behaviours of the original that are wanted back; default none. */
  readonly faithful?: FaithfulSet;
}

/** Counts 1, 2, 3 …; 0 means "none" on the wire. */
export function createConnectIds(): () => ConnectId {
  let last = 0n;
  return () => {
    last += 1n;
    return connectId(last);
  };
}

/** The agent's side of one server stream, without sockets. */
export class AgentMachine {
  readonly endpoints = new Map<ConnectId, Endpoint>();
  /** What the server has not read of the answers that its packets call for. */
  readonly debt: AnswerDebt;
  readonly faithful: FaithfulSet;
  private readonly options: AgentMachineOptions;
  private drainWaits = false;

  constructor(options: AgentMachineOptions) {
    this.options = options;
    this.faithful = options.faithful ?? nothingFaithful;
    this.debt = new AnswerDebt(options.server);
  }

  /** Returns the endpoint that the packet went to when it may be too full to take more. */
  handlePacket(packet: Packet): Congestible | undefined {
    this.options.observer.packet('from_server', packet);
    const full = dispatch(agentHandlers, this, packet);
    if (this.drainWaits) this.sendWaitingDrain();
    return full;
  }

  send(packet: Packet): void {
    this.options.observer.packet('to_server', packet);
    this.options.server.send(packet);
  }

  /** Answers a packet at once; returns the server stream when too many answers wait. */
  answer(packet: Packet): Congestible | undefined {
    this.send(packet);
    return this.debt.owe();
  }

  /** Tells the server to choose somebody else for new dials. */
  drain(): void {
    if (this.faithful.has('drain-waits-for-packet')) this.drainWaits = true;
    else this.send(drainPacket);
  }

  private sendWaitingDrain(): void {
    this.drainWaits = false;
    this.send(drainPacket);
  }

  startDial(id: DialId, address: string): void {
    const { clock, observer, nextConnectId, openEndpoint, dialTimeoutMs } = this.options;
    const mayBlock = this.faithful.has('head-of-line-blocking');
    const endpoint: Endpoint = {
      dialId: id,
      connectId: nextConnectId(),
      address,
      startedAt: clock.now(),
      kind: 'dialing',
      port: undefined,
      timer: undefined,
      toEndpointBytes: 0,
      fromEndpointBytes: 0,
      guard: new StallGuard({
        clock,
        patienceMs: stallPatienceMs,
        takenBytes: () => endpoint.port?.takenBytes ?? 0,
        waiting: () => !mayBlock && endpoint.kind === 'open' && endpoint.port?.congested === true,
        stalled: () => this.dropEndpoint(endpoint),
      }),
    };
    this.endpoints.set(endpoint.connectId, endpoint);
    observer.dialStarted(endpoint);
    endpoint.timer = clock.after(dialTimeoutMs, () => this.dialTimedOut(endpoint));
    endpoint.port = openEndpoint(endpoint);
  }

  dialSucceeded(endpoint: Endpoint): void {
    if (endpoint.kind !== 'dialing') return;
    endpoint.kind = 'open';
    endpoint.timer?.cancel();
    this.options.observer.dialSucceeded(endpoint, this.options.clock.now() - endpoint.startedAt);
    this.send(dialSuccess(endpoint.dialId, endpoint.connectId));
  }

  /** `text` is what the frontend gets to see, in the words of Go's dialer. */
  dialFailed(endpoint: Endpoint, text: string): void {
    this.endDial(endpoint, text, text.endsWith('i/o timeout'));
  }

  /** Bytes from the endpoint. Returns the server stream, which may now be too full. */
  endpointData(endpoint: Endpoint, data: Uint8Array): Congestible | undefined {
    if (endpoint.kind !== 'open') return undefined;
    endpoint.fromEndpointBytes += data.length;
    for (let start = 0; start < data.length; start += maxDataBytes) {
      this.send(dataPacket(endpoint.connectId, data.subarray(start, start + maxDataBytes)));
    }
    return this.options.server;
  }

  /** The endpoint ended or broke. The wire has no half-close: this ends both directions (R20). */
  endpointEnded(endpoint: Endpoint): void {
    if (endpoint.kind !== 'open') return;
    this.closeEndpoint(endpoint, 'endpoint');
    this.finishEndpoint(endpoint);
    this.send(closeResponse(endpoint.connectId));
  }

  /** The server stream is gone, and with it every connection over it. */
  serverLost(): void {
    for (const endpoint of [...this.endpoints.values()]) {
      const dialing = endpoint.kind === 'dialing';
      this.closeEndpoint(endpoint, 'server_lost');
      endpoint.port?.destroy();
      if (dialing) this.options.observer.dialFailed(endpoint, 'the server connection was lost', false);
    }
  }

  /** Takes an endpoint out of the table; the caller decides what becomes of its socket. */
  closeEndpoint(endpoint: Endpoint, reason: EndpointCloseReason): void {
    const wasOpen = endpoint.kind === 'open';
    endpoint.kind = 'closed';
    endpoint.timer?.cancel();
    endpoint.guard.cancel();
    this.endpoints.delete(endpoint.connectId);
    if (wasOpen) {
      this.options.observer.endpointClosed(endpoint, this.options.clock.now() - endpoint.startedAt, reason);
    }
  }

  /** Lets an endpoint out of the table have what is queued for it. */
  finishEndpoint(endpoint: Endpoint): void {
    if (this.faithful.has('queued-data-lost-at-close')) endpoint.port?.destroy();
    else endpoint.port?.finish();
  }

  /** A DIAL_CLS: nobody waits for this dial any more. */
  cancelDial(endpoint: Endpoint): void {
    const dialing = endpoint.kind === 'dialing';
    this.closeEndpoint(endpoint, 'dial_cancelled');
    if (dialing) endpoint.port?.destroy();
    else endpoint.port?.finish();
    if (dialing) this.options.observer.dialFailed(endpoint, 'the dial was given up', false);
  }

  private dropEndpoint(endpoint: Endpoint): void {
    this.closeEndpoint(endpoint, 'endpoint_stalled');
    endpoint.port?.destroy();
    this.send(closeResponse(endpoint.connectId, endpointStallText));
  }

  private dialTimedOut(endpoint: Endpoint): void {
    this.endDial(endpoint, `dial tcp ${endpoint.address}: i/o timeout`, true);
  }

  private endDial(endpoint: Endpoint, text: string, timedOut: boolean): void {
    if (endpoint.kind !== 'dialing') return;
    this.closeEndpoint(endpoint, 'endpoint');
    endpoint.port?.destroy();
    this.options.observer.dialFailed(endpoint, text, timedOut);
    this.send(dialFailure(endpoint.dialId, text));
  }
}
