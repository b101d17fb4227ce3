import { ManualClock } from '../../src/core/clock.js';
import { ConnectFrontend } from '../../src/core/http-connect/frontend.js';
import type { ConnectClient } from '../../src/core/http-connect/state.js';
import { noIdentifiers } from '../../src/core/identifiers.js';
import { closeResponse, dataPacket, dialFailure, dialSuccess, type Packet } from '../../src/core/packet.js';
import { createRandom, type Random } from '../../src/core/random.js';
import { WindowBudget } from '../../src/core/receive-window.js';
import { ServerMachine } from '../../src/core/server/machine.js';
import type { Backend, Frontend } from '../../src/core/server/state.js';
import { FuzzPort, FuzzSource, readingPace, worldSteps } from './fuzz-port.js';
import { oneIn, PacketSource, pick } from './packet-source.js';
import type { FuzzRun } from './run-side.js';
import { checkServer } from './server-checks.js';

const maxClients = 5;

/** The socket of a CONNECT client. */
class FuzzClient extends FuzzPort implements ConnectClient {
  private started = '';
  private onFlushed: () => void = () => undefined;

  write(bytes: Uint8Array): void {
    if (this.started === '') this.started = Buffer.from(bytes.subarray(0, 9)).toString('latin1');
    if (this.started !== 'HTTP/1.1 ') throw new Error(`R24: an answer begins with ${this.started}`);
    this.put(bytes.length);
  }

  end(ended: () => void): void {
    this.finish();
    this.onFlushed = ended;
  }

  override read(count: number): void {
    super.read(count);
    if (!this.emptied) return;
    this.onFlushed();
    this.onFlushed = () => undefined;
  }

  destroy(): void {
    this.cancel();
  }
}

interface Call {
  readonly client: FuzzClient;
  readonly connect: ConnectFrontend;
  readonly frontend: Frontend;
  readonly source: FuzzSource;
  ended: boolean;
}

/** CONNECT clients that send any bytes, and an agent that sends any packets. */
class ConnectWorld {
  fed = 0;
  private readonly clock = new ManualClock();
  private readonly random: Random;
  private readonly packets: PacketSource;
  private readonly clientPace: (port: FuzzPort) => void;
  private readonly agentPace: (port: FuzzPort) => void;
  private readonly machine: ServerMachine;
  private readonly told = { pendingDials: 0, established: 0 };
  private readonly gone: Frontend[] = [];
  private readonly toAgent = new FuzzPort();
  private readonly fromAgent = new FuzzSource();
  private readonly backend: Backend;
  private calls: Call[] = [];

  constructor(packets: PacketSource) {
    this.packets = packets;
    this.random = packets.random;
    this.clientPace = readingPace(this.random);
    this.agentPace = readingPace(this.random);
    const { told } = this;
    this.machine = new ServerMachine({
      ...{ clock: this.clock, random: this.random, strategies: ['default'], backendDialTimeoutMs: 20_000 },
      observer: {
        packet: () => undefined,
        dialStarted: () => void (told.pendingDials += 1),
        dialEstablished: () => {
          told.pendingDials -= 1;
          told.established += 1;
        },
        dialFailed: (dial) => void (told.pendingDials -= 'startedAt' in dial ? 1 : 0),
        connectionClosed: () => void (told.established -= 1),
        unrecognizedDialResponse: () => undefined,
        connectionStale: () => undefined,
        backendDraining: () => undefined,
      },
    });
    const agent = { agentId: 'a', identifiers: noIdentifiers, name: 'b', credits: true, ids: true };
    this.backend = this.machine.openBackend(agent, this.toAgent);
  }

  run(steps: number): void {
    for (let step = 0; step < steps; step += 1) {
      this.step();
      if (step % 32 === 0) this.check([this.backend]);
    }
    if (oneIn(this.random, 2)) for (const call of [...this.calls]) this.vanish(call);
    this.machine.closeBackend(this.backend);
    this.check([]);
    // Whoever does not leave by himself is cut in the end.
    if (this.calls.length > 0) this.clock.advance(120_000);
    if (this.calls.length > 0) throw new Error(`${this.calls.length} clients are left`);
    this.check([]);
    if (this.clock.pendingTimers > 0) throw new Error(`${this.clock.pendingTimers} timers are left`);
  }

  private step(): void {
    const { random } = this;
    const chance = random.below(100);
    if (chance < 45) this.feedAgent();
    else if (chance < 90 && this.calls.length > 0) this.feedClient(pick(random, this.calls));
    else if (chance < 96 && this.calls.length < maxClients) this.openCall();
    else if (chance === 98) this.clock.advance(pick(random, [1, 1000, 10_000]));
    else if (this.calls.length > 0) this.leave(pick(random, this.calls));
    for (const { client } of [...this.calls]) this.clientPace(client);
    this.agentPace(this.toAgent);
  }

  private feedAgent(): void {
    this.fed += 1;
    const packet = this.agentPacket();
    if (packet !== undefined)
      this.fromAgent.feed(() => this.machine.handleBackendPacket(this.backend, packet));
  }

  private agentPacket(): Packet | undefined {
    const { random, packets, backend } = this;
    const choice = random.below(10);
    const [dial] = backend.dials.keys();
    const [connection] = backend.connections.keys();
    if (choice < 3 && dial !== undefined) return dialSuccess(dial, packets.connectId());
    if (choice === 3 && dial !== undefined) return dialFailure(dial, 'dial tcp a:1: i/o timeout');
    if (choice < 7 && connection !== undefined) return dataPacket(connection, packets.payload());
    if (choice === 7 && connection !== undefined) return closeResponse(connection);
    return packets.next();
  }

  private feedClient({ source, connect, ended }: Call): void {
    this.fed += 1;
    if (!ended) source.feed(() => connect.received(this.packets.payload()));
  }

  private openCall(): void {
    const client = new FuzzClient();
    const connect: ConnectFrontend = new ConnectFrontend({
      ...{ clock: this.clock, client, address: 'a:1', dialId: this.packets.dialId() },
      windowBudget: oneIn(this.random, 2) ? new WindowBudget() : undefined,
      toServer: (packet) => this.machine.handleFrontendPacket(frontend, packet),
    });
    const frontend: Frontend = this.machine.openFrontend('c', connect, { credits: true });
    const call: Call = { client, connect, frontend, source: new FuzzSource(), ended: false };
    client.onCancel = () => this.closed(call);
    this.calls.push(call);
    connect.dial();
  }

  /** The client ends its direction, or its socket is gone. */
  private leave(call: Call): void {
    if (oneIn(this.random, 2)) {
      this.vanish(call);
    } else if (!call.ended) {
      call.ended = true;
      call.connect.clientEnded();
    }
  }

  private vanish(call: Call): void {
    call.client.close();
    this.closed(call);
  }

  private closed(call: Call): void {
    this.calls = this.calls.filter((other) => other !== call);
    this.gone.push(call.frontend);
    call.connect.clientGone();
    this.machine.closeFrontend(call.frontend);
  }

  private check(backends: readonly Backend[]): void {
    checkServer({
      ...{ state: this.machine.state(), told: this.told, backends, gone: this.gone.splice(0) },
      frontends: this.calls.map(({ frontend }) => frontend),
    });
  }
}

/** HTTP CONNECT clients as frontends of the server's machine, against their agent. */
export function fuzzConnect({ seed, packets, progress }: FuzzRun): number {
  const source = new PacketSource(createRandom(seed));
  for (let count = 0; count < packets; ) {
    progress(count);
    const world = new ConnectWorld(source);
    world.run(worldSteps(source.random));
    count += world.fed;
  }
  return source.malformed;
}
