import { ManualClock } from '../../src/core/clock.js';
import { noIdentifiers } from '../../src/core/identifiers.js';
import { closeResponse, dataPacket, dialSuccess, type Packet } from '../../src/core/packet.js';
import type { Congestible } from '../../src/core/port.js';
import { createRandom, type Random } from '../../src/core/random.js';
import { ServerMachine } from '../../src/core/server/machine.js';
import type { Backend, Frontend } from '../../src/core/server/state.js';
import { FuzzPort, FuzzSource, readingPace, worldSteps } from './fuzz-port.js';
import { oneIn, PacketSource, pick } from './packet-source.js';
import type { FuzzRun } from './run-side.js';
import { checkServer } from './server-checks.js';

interface Peer<Record> {
  readonly record: Record;
  readonly port: FuzzPort;
  readonly source: FuzzSource;
  readonly handle: (packet: Packet) => Congestible | undefined;
}

const maxFrontends = 6;
const maxBackends = 3;
const checkEvery = 32;

/** A server machine between frontends and agents that send what they like. */
class ServerWorld {
  readonly clock = new ManualClock();
  fed = 0;
  private readonly machine: ServerMachine;
  private readonly random: Random;
  private readonly packets: PacketSource;
  private readonly frontendPace: (port: FuzzPort) => void;
  private readonly backendPace: (port: FuzzPort) => void;
  private frontends: Peer<Frontend>[] = [];
  private backends: Peer<Backend>[] = [];
  private readonly gone: (Frontend | Backend)[] = [];
  /** Dials and connections as the observer was told of them. */
  private readonly told = { pendingDials: 0, established: 0 };

  constructor(packets: PacketSource) {
    this.packets = packets;
    this.random = packets.random;
    this.frontendPace = readingPace(this.random);
    this.backendPace = readingPace(this.random);
    const { told } = this;
    this.machine = new ServerMachine({
      clock: this.clock,
      random: this.random,
      strategies: ['destHost', 'default'],
      backendDialTimeoutMs: oneIn(this.random, 2) ? 20_000 : 0,
      observer: {
        packet: () => undefined,
        dialStarted: () => void (told.pendingDials += 1),
        dialEstablished: () => {
          told.pendingDials -= 1;
          told.established += 1;
        },
        // Those that were refused at once never started.
        dialFailed: (dial) => void (told.pendingDials -= 'startedAt' in dial ? 1 : 0),
        connectionClosed: () => void (told.established -= 1),
        unrecognizedDialResponse: () => undefined,
        connectionStale: () => undefined,
        backendDraining: () => undefined,
      },
    });
  }

  run(steps: number): void {
    this.openBackend();
    for (let step = 0; step < steps; step += 1) {
      this.step();
      if (step % checkEvery === 0) this.check();
    }
    this.end();
  }

  private step(): void {
    const { random } = this;
    const chance = random.below(100);
    if (chance < 44) this.feed(this.backends, (backend) => this.fromBackend(backend));
    else if (chance < 90) this.feed(this.frontends, () => this.packets.next());
    else if (chance < 94 && this.frontends.length < maxFrontends) this.openFrontend();
    else if (chance < 96) this.drop(this.frontends);
    else if (chance < 97 && this.backends.length < maxBackends) this.openBackend();
    else if (chance < 98 && oneIn(random, 3)) this.drop(this.backends);
    else if (chance === 98) this.clock.advance(pick(random, [1, 1000, 10_000, 31_000]));
    for (const { port } of this.frontends) this.frontendPace(port);
    for (const { port } of this.backends) this.backendPace(port);
  }

  private feed<R>(peers: readonly Peer<R>[], next: (record: R) => Packet | undefined): void {
    if (peers.length === 0) return;
    const peer = pick(this.random, peers);
    const packet = next(peer.record);
    this.fed += 1;
    if (packet !== undefined) peer.source.feed(() => peer.handle(packet));
  }

  /** An agent knows what it was asked, so it may also answer well. */
  private fromBackend({ dials, connections }: Backend): Packet | undefined {
    const { random, packets } = this;
    const choice = random.below(10);
    const [dial] = dials.keys();
    const [connection] = connections.keys();
    if (choice < 3 && dial !== undefined) return dialSuccess(dial, packets.connectId());
    if (choice === 3 && connection !== undefined) return dataPacket(connection, packets.payload());
    if (choice === 4 && connection !== undefined) return closeResponse(connection);
    return packets.next();
  }

  private openFrontend(): void {
    const port = new FuzzPort();
    const record = this.machine.openFrontend('f', port, { credits: oneIn(this.random, 2) });
    const handle = (packet: Packet): Congestible | undefined =>
      this.machine.handleFrontendPacket(record, packet);
    const peer: Peer<Frontend> = { record, port, handle, source: new FuzzSource() };
    port.onCancel = () => this.closed(peer);
    this.frontends.push(peer);
  }

  private openBackend(): void {
    const port = new FuzzPort();
    const claims = { ...noIdentifiers, host: oneIn(this.random, 2) ? ['a'] : [] };
    const agent = {
      agentId: `${this.random.below(2)}`,
      identifiers: claims,
      name: 'b',
      credits: oneIn(this.random, 2),
      ids: oneIn(this.random, 2),
    };
    const record = this.machine.openBackend(agent, port);
    const handle = (packet: Packet): Congestible | undefined =>
      this.machine.handleBackendPacket(record, packet);
    this.backends.push({ record, port, handle, source: new FuzzSource() });
  }

  private drop(peers: readonly Peer<Frontend | Backend>[]): void {
    if (peers.length === 0) return;
    const peer = pick(this.random, peers);
    peer.port.close();
    this.closed(peer);
  }

  private closed({ record }: Peer<Frontend | Backend>): void {
    this.gone.push(record);
    if ('claimed' in record) {
      this.frontends = this.frontends.filter((peer) => peer.record !== record);
      this.machine.closeFrontend(record);
    } else {
      this.backends = this.backends.filter((peer) => peer.record !== record);
      this.machine.closeBackend(record);
    }
  }

  private check(): void {
    checkServer({
      state: this.machine.state(),
      told: this.told,
      frontends: this.frontends.map(({ record }) => record),
      backends: this.backends.map(({ record }) => record),
      gone: this.gone.splice(0),
    });
  }

  /** Everybody leaves, in any order; then nothing may be left. */
  private end(): void {
    while (this.frontends.length + this.backends.length > 0) {
      this.drop(oneIn(this.random, 2) ? this.frontends : this.backends);
    }
    this.check();
    if (this.clock.pendingTimers > 0) throw new Error(`${this.clock.pendingTimers} timers are left`);
  }
}

/** The proxy-server's machine, from both sides. */
export function fuzzServer({ seed, packets, progress }: FuzzRun): number {
  const source = new PacketSource(createRandom(seed));
  for (let count = 0; count < packets; ) {
    progress(count);
    const world = new ServerWorld(source);
    world.run(worldSteps(source.random));
    count += world.fed;
  }
  return source.malformed;
}
