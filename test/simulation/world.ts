import { ManualClock } from '../../src/core/clock.js';
import type { EventSink } from '../../src/core/events.js';
import { type Extension, extensionsOf } from '../../src/core/extensions.js';
import { type FaithfulOptions, type FaithfulSet, faithfulSet } from '../../src/core/faithful.js';
import { type DialId, dialId } from '../../src/core/packet.js';
import { createRandom, type Random } from '../../src/core/random.js';
import { createJournal, type Journal } from '../../src/observe/journal.js';
import { BrokenInvariant } from '../support/invariants.js';
import { MemoryAgent } from './agent.js';
import type { Call } from './call.js';
import { ConnectCall, GrpcCall } from './clients.js';
import { Link, OpenEnds } from './network.js';
import { PacketFaults } from './packet-faults.js';
import { MemoryServer } from './server.js';
import { Ledgers, type Surroundings } from './surroundings.js';

export interface WorldOptions extends FaithfulOptions {
  readonly seed: number;
  readonly servers: number;
  readonly agents: number;
  /** How many agents have the ID of the first one, too. */
  readonly twins: number;
}

/** More events than any schedule makes. */
const journalCapacity = 1_000_000;

/** Servers, agents and clients on a network in memory, in virtual time. */
export class World implements Surroundings {
  readonly clock = new ManualClock();
  readonly journal: Journal;
  readonly emit: EventSink;
  readonly random: Random;
  readonly faithful: FaithfulSet;
  readonly extensions: readonly Extension[];
  readonly ledgers = new Ledgers();
  readonly open = new OpenEnds();
  readonly packetFaults = new PacketFaults(this.clock);
  readonly disturbed = { network: false, packets: false, slow: false };
  readonly links: Link[] = [];
  readonly servers: readonly MemoryServer[];
  readonly agents: readonly MemoryAgent[];
  readonly calls: Call[] = [];

  constructor(options: WorldOptions) {
    const { seed, servers, agents, twins } = options;
    this.random = createRandom(seed);
    this.faithful = faithfulSet(options);
    this.extensions = extensionsOf(options);
    this.journal = createJournal({ clock: this.clock, capacity: journalCapacity });
    this.emit = this.journal.emit;
    this.servers = numbered(servers).map(
      (number) => new MemoryServer(this, { name: `server-${number}`, serverCount: servers }),
    );
    this.agents = numbered(agents).map((number) => {
      const agentId = number <= twins + 1 ? 'node-1' : `node-${number}`;
      const linkTo = (server: MemoryServer): Link => this.link(`agent/node-${number}`, server);
      return new MemoryAgent(this, { name: `node-${number}`, agentId, servers: this.servers, linkTo });
    });
    for (const server of this.servers) this.link('client', server);
  }

  readonly callOf = (id: DialId): Call => {
    const call = this.calls[Number(id) - 1];
    if (call === undefined) throw new BrokenInvariant('one-end', `dial ${id} was never asked for`);
    return call;
  };

  /** Starts the agents. Servers run from the beginning. */
  start(): void {
    for (const agent of this.agents) agent.start();
  }

  /** `host`: what the endpoint does, and its node. */
  dial(how: 'grpc' | 'connect', server: MemoryServer | undefined, host: string): void {
    if (server === undefined) return;
    const id = dialId(BigInt(this.calls.length + 1));
    const link = this.link('client', server);
    const options = { id, address: `${host}:80`, serverNode: server.node, server, link };
    this.calls.push(how === 'grpc' ? new GrpcCall(this, options) : new ConnectCall(this, options));
  }

  /**
   * Heals every link and starts what is down. In half of the runs readers rest on: they must not stop others for long, unless
   * the original does so (R19).
   */
  heal(): void {
    this.packetFaults.clear();
    for (const link of this.links) link.heal();
    this.startParts();
    if (this.faithful.has('head-of-line-blocking') || this.random.below(2) === 0) this.readersGoOn();
  }

  readersGoOn(): void {
    for (const { reader, endpoint } of this.calls) {
      reader.goOn();
      endpoint?.goOn();
    }
  }

  startParts(): void {
    for (const server of this.servers) server.start();
    for (const agent of this.agents) {
      if (agent.state === 'draining') this.endDrained(agent);
      agent.start();
    }
  }

  /** One that drains would not come back. What runs through it ends. */
  private endDrained(agent: MemoryAgent): void {
    this.disturbed.network = true;
    agent.stop(false);
  }

  private link(from: string, { node }: MemoryServer): Link {
    const name = `${from} → ${node}`;
    const known = this.links.find((link) => link.name === name);
    if (known !== undefined) return known;
    const link = new Link(name);
    this.links.push(link);
    return link;
  }
}

const numbered = (count: number): readonly number[] =>
  Array.from({ length: count }, (_none, index) => index + 1);
