import { TunnelMachine } from '../../src/core/client/machine.js';
import { ManualClock } from '../../src/core/clock.js';
import { closeResponse, dataPacket, dialId, dialSuccess, type Packet } from '../../src/core/packet.js';
import { createRandom, type Random } from '../../src/core/random.js';
import { FuzzPort, FuzzSource, readingPace, worldSteps } from './fuzz-port.js';
import { oneIn, PacketSource, pick } from './packet-source.js';
import type { FuzzRun } from './run-side.js';

const ownDial = dialId(3n);

/** What the user of the connection was told; anything told out of turn throws. */
class Told {
  private phase: 'dialling' | 'open' | 'over' = 'dialling';

  get over(): boolean {
    return this.phase === 'over';
  }

  to(next: 'open' | 'over', from: 'dialling' | 'open'): void {
    if (this.phase !== from) throw new Error(`told ${next} while ${this.phase}`);
    this.phase = next;
  }

  data(): void {
    if (this.phase !== 'open') throw new Error(`told data while ${this.phase}`);
  }
}

/** A frontend's machine whose server sends what it likes. */
class ClientWorld {
  fed = 0;
  private readonly clock = new ManualClock();
  private readonly server = new FuzzPort();
  private readonly reader = new FuzzPort();
  private readonly source = new FuzzSource();
  private readonly told = new Told();
  private readonly random: Random;
  private readonly packets: PacketSource;
  private readonly pace: (port: FuzzPort) => void;
  private readonly readerPace: (port: FuzzPort) => void;
  private readonly machine: TunnelMachine;

  constructor(packets: PacketSource) {
    this.packets = packets;
    this.random = packets.random;
    this.pace = readingPace(this.random);
    this.readerPace = readingPace(this.random);
    const { told, reader } = this;
    this.machine = new TunnelMachine({
      ...{ clock: this.clock, server: this.server, dialId: ownDial, address: 'a:1' },
      ...{ dialTimeoutMs: 30_000, closeTimeoutMs: 10_000 },
      readTimeoutMs: oneIn(this.random, 2) ? 10_000 : 0,
      user: {
        established: () => told.to('open', 'dialling'),
        failed: () => told.to('over', 'dialling'),
        data: (bytes) => {
          told.data();
          reader.put(bytes.length);
          return reader;
        },
        closed: () => {
          told.to('over', 'open');
          reader.close();
        },
        packet: () => undefined,
      },
    });
    if (oneIn(this.random, 2)) this.machine.agreeOnCredits();
  }

  run(steps: number): void {
    this.machine.dial();
    for (let step = 0; step < steps; step += 1) {
      this.step();
      if (this.machine.ended !== this.told.over)
        throw new Error('the machine and its user disagree on the end');
      if (this.told.over && oneIn(this.random, steps >> 2)) break;
    }
    this.machine.streamLost('TUNNEL_CLOSED', '');
    if (!this.told.over) throw new Error('the user was not told of the end');
    if (this.clock.pendingTimers > 0) throw new Error(`${this.clock.pendingTimers} timers are left`);
  }

  private step(): void {
    const { random, machine } = this;
    const chance = random.below(200);
    if (chance < 150) this.feed();
    else if (chance < 190) this.write();
    else if (chance < 195) this.clock.advance(pick(random, [1, 100, 1000]));
    else if (chance === 195 && oneIn(random, 3)) this.clock.advance(31_000);
    else if (chance === 196 && oneIn(random, 3)) machine.cancel();
    else if (chance === 197 && oneIn(random, 3)) machine.close();
    this.pace(this.server);
    this.readerPace(this.reader);
  }

  private feed(): void {
    this.fed += 1;
    const packet = this.fromServer();
    if (packet !== undefined) this.source.feed(() => this.machine.handlePacket(packet));
  }

  private fromServer(): Packet | undefined {
    const { random, packets, machine } = this;
    const choice = random.below(40);
    const own = machine.connectId;
    if (choice === 0 && own === undefined) return dialSuccess(ownDial, packets.connectId());
    if (choice < 12 && own !== undefined) return dataPacket(own, packets.payload());
    if (choice === 12 && own !== undefined && oneIn(random, 4)) return closeResponse(own);
    return packets.next();
  }

  /** As drivers do: not while the stream is full. */
  private write(): void {
    if (!this.server.congested) this.machine.write(this.packets.payload());
  }
}

/** The frontend's machine, against its server. */
export function fuzzClient({ seed, packets, progress }: FuzzRun): number {
  const source = new PacketSource(createRandom(seed));
  for (let count = 0; count < packets; ) {
    progress(count);
    const world = new ClientWorld(source);
    world.run(worldSteps(source.random));
    count += world.fed;
  }
  return source.malformed;
}
