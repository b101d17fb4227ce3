import { AgentMachine, createConnectIds } from '../../src/core/agent/machine.js';
import type { Endpoint, EndpointPort } from '../../src/core/agent/state.js';
import { ManualClock } from '../../src/core/clock.js';
import { closeRequest, dataPacket, dialClose, type Packet } from '../../src/core/packet.js';
import { createRandom, type Random } from '../../src/core/random.js';
import { FuzzPort, FuzzSource, readingPace, worldSteps } from './fuzz-port.js';
import { oneIn, PacketSource, pick } from './packet-source.js';
import type { FuzzRun } from './run-side.js';

/** An endpoint's socket: it takes bytes at its own pace, or never. */
class FuzzEndpoint extends FuzzPort implements EndpointPort {
  readonly endpoint: Endpoint;
  readonly source = new FuzzSource();
  ends = 0;

  constructor(endpoint: Endpoint) {
    super();
    this.endpoint = endpoint;
  }

  write(data: Uint8Array): void {
    if (this.endpoint.kind !== 'open') throw new Error(`bytes for an endpoint that is ${this.endpoint.kind}`);
    this.put(data.length);
  }

  override finish(): void {
    this.ends += 1;
  }

  destroy(): void {
    this.ends += 1;
    this.close();
  }
}

/** An agent machine whose server sends what it likes, and whose endpoints do what they like. */
class AgentWorld {
  fed = 0;
  private readonly clock = new ManualClock();
  private readonly server = new FuzzPort();
  private readonly source = new FuzzSource();
  private readonly random: Random;
  private readonly packets: PacketSource;
  private readonly pace: (port: FuzzPort) => void;
  private readonly endpointPace: (port: FuzzPort) => void;
  private readonly machine: AgentMachine;
  private sockets: FuzzEndpoint[] = [];
  private readonly told = { dialling: 0, open: 0 };

  constructor(packets: PacketSource) {
    this.packets = packets;
    this.random = packets.random;
    this.pace = readingPace(this.random);
    this.endpointPace = readingPace(this.random);
    const { told } = this;
    this.machine = new AgentMachine({
      clock: this.clock,
      server: this.server,
      nextConnectId: createConnectIds(),
      dialTimeoutMs: 5000,
      openEndpoint: (endpoint) => {
        const socket = new FuzzEndpoint(endpoint);
        this.sockets.push(socket);
        return socket;
      },
      observer: {
        packet: () => undefined,
        dialStarted: () => void (told.dialling += 1),
        dialSucceeded: () => {
          told.dialling -= 1;
          told.open += 1;
        },
        dialFailed: () => void (told.dialling -= 1),
        endpointClosed: () => void (told.open -= 1),
      },
    });
    if (oneIn(this.random, 2)) this.machine.agreeOnCredits();
    if (oneIn(this.random, 2)) this.machine.agreeOnIds();
  }

  run(steps: number): void {
    for (let step = 0; step < steps; step += 1) {
      this.step();
      if (step % 32 === 0) this.check();
    }
    this.machine.serverLost();
    this.check();
    if (this.machine.endpoints.size > 0) throw new Error('endpoints outlive their server');
    if (this.clock.pendingTimers > 0) throw new Error(`${this.clock.pendingTimers} timers are left`);
  }

  private step(): void {
    const { random, machine } = this;
    const chance = random.below(100);
    if (chance < 60) this.feed();
    else if (chance < 98 && this.sockets.length > 0) this.act(pick(random, this.sockets));
    else if (chance === 98) this.clock.advance(pick(random, [1, 500, 5000, 31_000]));
    else if (oneIn(random, 20)) machine.drain();
    this.pace(this.server);
  }

  private feed(): void {
    this.fed += 1;
    const packet = this.fromServer();
    if (packet !== undefined) this.source.feed(() => this.machine.handlePacket(packet));
  }

  /** A server knows what it was answered, so it may also go on well. */
  private fromServer(): Packet | undefined {
    const { random, packets } = this;
    const choice = random.below(10);
    const socket = choice < 5 && this.sockets.length > 0 ? pick(random, this.sockets) : undefined;
    if (socket === undefined) return packets.next();
    const { connectId, dialId } = socket.endpoint;
    if (choice < 3) return dataPacket(connectId, packets.payload());
    return choice === 3 ? closeRequest(connectId) : dialClose(dialId);
  }

  /** Also those that are no connection any more: drivers may be late. */
  private act(socket: FuzzEndpoint): void {
    const { random, machine } = this;
    const { endpoint } = socket;
    const choice = random.below(10);
    if (choice < 3) machine.dialSucceeded(endpoint);
    else if (choice === 3) machine.dialFailed(endpoint, 'dial tcp a:1: connect: connection refused');
    else if (choice < 7) socket.source.feed(() => machine.endpointData(endpoint, this.packets.payload()));
    else if (choice === 7) machine.endpointEnded(endpoint);
    this.endpointPace(socket);
    if (endpoint.kind === 'closed' && oneIn(random, 4)) {
      if (socket.ends === 0) throw new Error('an endpoint was left without an end of its socket');
      this.sockets = this.sockets.filter((other) => other !== socket);
    }
  }

  private check(): void {
    const { endpoints } = this.machine;
    const counts = { dialling: 0, open: 0 };
    for (const [id, endpoint] of endpoints) {
      if (endpoint.connectId !== id || endpoint.port === undefined)
        throw new Error(`endpoint ${id} is not itself`);
      if (endpoint.kind === 'closed') throw new Error('a closed endpoint is still listed');
      counts[endpoint.kind === 'open' ? 'open' : 'dialling'] += 1;
    }
    const [ours, told] = [JSON.stringify(counts), JSON.stringify(this.told)];
    if (ours !== told) throw new Error(`endpoints are ${ours}, but were told as ${told}`);
  }
}

/** The agent's machine, against its server. */
export function fuzzAgent({ seed, packets, progress }: FuzzRun): number {
  const source = new PacketSource(createRandom(seed));
  for (let count = 0; count < packets; ) {
    progress(count);
    const world = new AgentWorld(source);
    world.run(worldSteps(source.random));
    count += world.fed;
  }
  return source.malformed;
}
