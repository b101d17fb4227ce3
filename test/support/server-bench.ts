import { ManualClock } from '../../src/core/clock.js';
import type { FaithfulName } from '../../src/core/faithful.js';
import { noIdentifiers } from '../../src/core/identifiers.js';
import type { ServerObserver } from '../../src/core/observer.js';
import {
  connectId,
  dataPacket,
  dialId,
  dialRequest,
  dialSuccess,
  type Packet,
} from '../../src/core/packet.js';
import type { Congestible } from '../../src/core/port.js';
import { createRandom } from '../../src/core/random.js';
import { ServerMachine } from '../../src/core/server/machine.js';
import type { Backend, Frontend, FrontendKind } from '../../src/core/server/state.js';
import type { StrategyName } from '../../src/core/strategy.js';
import { RecordingPort } from './recording-port.js';

/** A server machine between recording ports, in time that the test moves. */
export class ServerBench {
  readonly clock = new ManualClock();
  /** What the observer was told, without packets: `established 7 1`, `failed 7 no_agent`. */
  readonly told: string[] = [];
  readonly machine: ServerMachine;

  constructor(
    backendDialTimeoutMs = 20_000,
    strategies: readonly StrategyName[] = ['default'],
    faithful: readonly FaithfulName[] = [],
    together?: Congestible,
  ) {
    this.machine = new ServerMachine({
      clock: this.clock,
      random: createRandom(1),
      observer: this.observer(),
      strategies,
      backendDialTimeoutMs,
      faithful: new Set(faithful),
      together,
    });
  }

  frontend(name = 'f', kind: FrontendKind = {}): FrontendEnd {
    const port = new RecordingPort();
    const frontend = this.machine.openFrontend(name, port, kind);
    return {
      port,
      frontend,
      send: (packet) => this.machine.handleFrontendPacket(frontend, packet),
      close: () => this.machine.closeFrontend(frontend),
    };
  }

  /** With hosts it can be chosen by `destHost`; `credits`, `ids`: it has agreed to flow control, to ask for quiet connections. */
  agent(agentId = 'a', host: readonly string[] = [], credits = false, ids = false): AgentEnd {
    const port = new RecordingPort();
    const agreed = { credits, ids };
    const identity = {
      agentId,
      identifiers: { ...noIdentifiers, host },
      name: `agent/${agentId}`,
      ...agreed,
    };
    const backend = this.machine.openBackend(identity, port);
    return {
      port,
      backend,
      send: (packet) => this.machine.handleBackendPacket(backend, packet),
      close: () => this.machine.closeBackend(backend),
    };
  }

  /** A connection with connect ID 1 and dial ID 7; both ports are emptied. */
  connected(ids = false): { frontend: FrontendEnd; agent: AgentEnd } {
    const agent = this.agent('a', [], false, ids);
    const frontend = this.frontend();
    frontend.send(dial(7n));
    agent.send(answer(7n, 1n));
    agent.port.take();
    frontend.port.take();
    return { frontend, agent };
  }

  /** Pending dials, established connections, running timers. */
  left(): readonly number[] {
    const { pendingDials, established } = this.machine.state();
    return [pendingDials, established, this.clock.pendingTimers];
  }

  private observer(): ServerObserver {
    const tell = (...words: unknown[]): void => void this.told.push(words.join(' '));
    return {
      packet: () => undefined,
      dialStarted: ({ dialId: id }) => tell('started', id),
      dialEstablished: ({ dialId: id }, connection) => tell('established', id, connection),
      dialFailed: ({ dialId: id }, reason) => tell('failed', id, reason),
      unrecognizedDialResponse: (_agent, id) => tell('unrecognized', id),
      connectionClosed: ({ connectId: id }, reason) => tell('closed', id, reason),
      connectionStale: (_agent, id, text) => tell('stale', id, text),
      backendDraining: (name) => tell('draining', name),
    };
  }
}

export interface FrontendEnd {
  readonly port: RecordingPort;
  readonly frontend: Frontend;
  send(packet: Packet): unknown;
  close(): void;
}

export interface AgentEnd {
  readonly port: RecordingPort;
  readonly backend: Backend;
  send(packet: Packet): unknown;
  close(): void;
}

export const dial = (id: bigint, address = '10.0.0.1:10250'): Packet => dialRequest(address, dialId(id));
export const answer = (id: bigint, connection: bigint): Packet =>
  dialSuccess(dialId(id), connectId(connection));
export const data = (connection: bigint, text: string): Packet =>
  dataPacket(connectId(connection), Buffer.from(text));
