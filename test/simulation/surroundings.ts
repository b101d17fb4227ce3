import type { Endpoint } from '../../src/core/agent/state.js';
import type { Clock } from '../../src/core/clock.js';
import type { Backlog } from '../../src/core/congestion.js';
import type { EventSink } from '../../src/core/events.js';
import type { Extension } from '../../src/core/extensions.js';
import type { FaithfulSet } from '../../src/core/faithful.js';
import type { DialFacts } from '../../src/core/observer.js';
import { type DialId, type Packet, payloadBytes } from '../../src/core/packet.js';
import type { Random } from '../../src/core/random.js';
import { nextTurn } from '../support/fair-turns.js';
import { type ByteFlow, Ledger } from '../support/invariants.js';
import type { MemoryEnd } from '../support/memory-stream.js';
import { Flow, type Link, type OpenEnds } from './network.js';
import type { PacketFaults } from './packet-faults.js';

/** What all parts of a simulation share. */
export interface Surroundings {
  readonly clock: Clock;
  readonly random: Random;
  readonly emit: EventSink;
  readonly faithful: FaithfulSet;
  readonly extensions: readonly Extension[];
  readonly ledgers: Ledgers;
  readonly open: OpenEnds;
  readonly packetFaults: PacketFaults;
  readonly disturbed: Disturbed;
  /** The call of a dial. */
  readonly callOf: (id: DialId) => CallEnds;
}

/** What was done to the tunnel so far: it decides what may fail, and what may end. */
export interface Disturbed {
  /** A link carried nothing or lost its flows, or a part went away. */
  network: boolean;
  /** Packets were lost, repeated or late. */
  packets: boolean;
  /** A reader rested, or a link was slow. */
  slow: boolean;
}

/** The bytes of one call, and the endpoint that it has reached. */
export interface CallEnds {
  readonly up: ByteFlow;
  readonly down: ByteFlow;
  endpoint: EndpointEnd | undefined;
}

/** A server on a node, at its end of a connection. */
export interface EndpointEnd {
  readonly kind: Endpoint['kind'];
  /** All that it said is on its way. */
  readonly idle: boolean;
  /** It reads nothing. */
  readonly resting: boolean;
  /** It writes. */
  say(bytes: number): void;
  /** It ends the connection, after what it has written. */
  hangUp(): void;
  /** It reads nothing until `goOn`. */
  rest(): void;
  goOn(): void;
}

/** Everything that begins and must end. */
export class Ledgers {
  readonly clientDials = new Ledger<object>('client dial');
  readonly clientConnections = new Ledger<object>('client connection');
  readonly serverDials = new Ledger<DialFacts>('server dial');
  readonly serverConnections = new Ledger<string>('server connection');
  readonly agentDials = new Ledger<Endpoint>('agent dial');
  readonly endpoints = new Ledger<Endpoint>('endpoint');

  get openCount(): number {
    const dials = this.clientDials.open.size + this.serverDials.open.size + this.agentDials.open.size;
    const { clientConnections, serverConnections, endpoints } = this;
    return dials + clientConnections.open.size + serverConnections.open.size + endpoints.open.size;
  }
}

/** About how many bytes a packet needs beside its payload. */
const overheadBytes = 32;

const sizeOfPacket = (packet: Packet): number =>
  overheadBytes + (packet.kind === 'DATA' ? payloadBytes(packet) : 0);

/** A connection with one stream of packets. */
export function packetFlow({ clock, open }: Surroundings, link: Link, together?: Backlog): Flow<Packet> {
  return new Flow({ clock, link, open, sizeOf: sizeOfPacket, together });
}

/** Connections take turns on a stream of `ideal` parts. */
export function takeTurns(end: MemoryEnd, { extensions, random }: Surroundings): void {
  if (extensions.includes('fc1')) end.nextOf = (inbox) => nextTurn(inbox, random);
}
