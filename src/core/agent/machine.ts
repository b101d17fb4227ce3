import type { Clock } from '../clock.js';
import { Credits } from '../credits.js';
import { type FaithfulSet, nothingFaithful } from '../faithful.js';
import { HeldRounds } from '../held-rounds.js';
import {
  type ConnectId,
  connectId,
  dialSuccess,
  dispatch,
  drainPacket,
  type Packet,
  sendData,
} from '../packet.js';
import type { Congestible, PacketPort } from '../port.js';
import { ReceiveWindow, WindowBudget, windowBytes } from '../receive-window.js';
import { UnreadAnswers } from '../unread-answers.js';
import { agentHandlers } from './handlers.js';
import {
  type AgentContext,
  type AgentObserver,
  closeEndpoint,
  type DialFailureReason,
  type Endpoint,
  endConnection,
  failDial,
  type OpenEndpoint,
  sendToServer,
} from './state.js';

export interface AgentMachineOptions {
  readonly clock: Clock;
  readonly observer: AgentObserver;
  readonly server: PacketPort;
  readonly openEndpoint: OpenEndpoint;
  /** Shared by all streams of a process, so that no two of its connections have the same ID. */
  readonly nextConnectId: () => ConnectId;
  /** Konnectivity's agent uses 5 s. */
  readonly dialTimeoutMs: number;
  readonly faithful?: FaithfulSet;
}

/** Counts 1, 2, 3 … On the wire, 0 means that there is no connection. */
export function createConnectIds(): () => ConnectId {
  let last = 0n;
  return () => {
    last += 1n;
    return connectId(last);
  };
}

/** The agent's side of one server stream, without sockets. */
export class AgentMachine {
  private readonly context: AgentContext;
  private drainWaits = false;

  constructor(options: AgentMachineOptions) {
    this.context = {
      clock: options.clock,
      observer: options.observer,
      server: options.server,
      openEndpoint: options.openEndpoint,
      nextConnectId: options.nextConnectId,
      dialTimeoutMs: options.dialTimeoutMs,
      faithful: options.faithful ?? nothingFaithful,
      endpoints: new Map(),
      unreadAnswers: new UnreadAnswers(options.server),
      windowBudget: new WindowBudget(),
      creditsAgreed: false,
      rounds: undefined,
    };
  }

  /** Dials and open connections. */
  get endpoints(): ReadonlyMap<ConnectId, Endpoint> {
    return this.context.endpoints;
  }

  /** The server knows flow control: later dials have it if their frontends ask for it. */
  agreeOnCredits(): void {
    this.context.creditsAgreed = true;
  }

  /** The server asks for quiet connections, too (R31). */
  agreeOnIds(): void {
    const { context } = this;
    context.rounds = new HeldRounds<Endpoint>({
      clock: context.clock,
      port: context.server,
      connections: () => context.endpoints.values(),
      bytesOf: ({ toEndpointBytes, fromEndpointBytes }) => toEndpointBytes + fromEndpointBytes,
      isOpen: ({ kind }) => kind === 'open',
      send: (packet) => sendToServer(context, packet),
    });
  }

  /** Handles one packet. Returns the endpoint that got it when it may be too full to take more. */
  handlePacket(packet: Packet): Congestible | undefined {
    this.context.observer.packet('from_server', packet);
    const full = dispatch(agentHandlers, this.context, packet);
    if (this.drainWaits) this.sendWaitingDrain();
    return full;
  }

  /** Tells the server to choose another agent for new dials. */
  drain(): void {
    if (this.context.faithful.has('drain-waits-for-packet')) this.drainWaits = true;
    else sendToServer(this.context, drainPacket);
  }

  private sendWaitingDrain(): void {
    this.drainWaits = false;
    sendToServer(this.context, drainPacket);
  }

  dialSucceeded(endpoint: Endpoint): void {
    if (endpoint.kind !== 'dialing') return;
    endpoint.kind = 'open';
    endpoint.timer?.cancel();
    const { observer, clock, rounds } = this.context;
    rounds?.watch();
    endpoint.credits = createCredits(this.context, endpoint);
    const window = endpoint.credits === undefined ? 0 : windowBytes;
    observer.dialSucceeded(endpoint, clock.now() - endpoint.startedAt);
    sendToServer(this.context, dialSuccess(endpoint.dialId, endpoint.connectId, window));
  }

  /** `text` is what the frontend gets to see, in the words of Go's dialer. */
  dialFailed(endpoint: Endpoint, text: string, reason: DialFailureReason = 'other'): void {
    failDial(this.context, endpoint, text, reason);
  }

  /** Bytes from the endpoint. Returns the queue that may be too full now. */
  endpointData(endpoint: Endpoint, data: Uint8Array): Congestible | undefined {
    if (endpoint.kind !== 'open') return undefined;
    endpoint.fromEndpointBytes += data.length;
    if (endpoint.credits !== undefined) return endpoint.credits.write(data);
    sendData(endpoint.connectId, data, (packet) => sendToServer(this.context, packet));
    return this.context.server;
  }

  /** The endpoint has taken bytes of a connection with flow control. */
  endpointTook(endpoint: Endpoint, bytes: number): void {
    if (endpoint.kind === 'open') endpoint.credits?.took(bytes);
  }

  /** The endpoint ended or broke. The protocol has no half-close: this ends both directions (R20). */
  endpointEnded(endpoint: Endpoint): void {
    endConnection(this.context, endpoint);
  }

  /** The server stream ended, and all its connections with it. */
  serverLost(): void {
    this.context.rounds?.cancel();
    for (const endpoint of [...this.context.endpoints.values()]) {
      const dialing = endpoint.kind === 'dialing';
      closeEndpoint(this.context, endpoint, 'server_lost');
      endpoint.port?.destroy();
      if (dialing)
        this.context.observer.dialFailed(endpoint, 'the server connection was lost', 'server_lost');
    }
  }
}

function createCredits(context: AgentContext, { connectId, peerWindow }: Endpoint): Credits | undefined {
  if (peerWindow === 0) return undefined;
  return new Credits({
    ...{ connectId, peerWindow },
    window: new ReceiveWindow(context.clock, context.windowBudget),
    send: (packet) => {
      sendToServer(context, packet);
      return context.server;
    },
  });
}
