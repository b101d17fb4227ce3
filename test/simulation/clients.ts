import { TunnelMachine } from '../../src/core/client/machine.js';
import type { TunnelUser } from '../../src/core/client/state.js';
import type { Timer } from '../../src/core/clock.js';
import type { ErrorCode } from '../../src/core/errors.js';
import { AnswerReader, type ConnectAnswer, cutShortText } from '../../src/core/http-connect/answer.js';
import type { Packet } from '../../src/core/packet.js';
import { packetEvent } from '../../src/core/packet-event.js';
import type { Congestible } from '../../src/core/port.js';
import { expectThat } from '../support/invariants.js';
import { Call, type CallOptions, clientNode } from './call.js';
import { Flow, type Link } from './network.js';
import type { MemoryServer } from './server.js';
import { packetFlow, type Surroundings } from './surroundings.js';

/** As kube-apiserver waits, ms. */
const waits = { dialTimeoutMs: 30_000, closeTimeoutMs: 10_000, readTimeoutMs: 10_000 };

export interface ClientOptions extends CallOptions {
  readonly server: MemoryServer;
  /** From the client to this server. */
  readonly link: Link;
}

/** A client that speaks gRPC: one Proxy stream, on a connection of its own. */
export class GrpcCall extends Call implements TunnelUser {
  protected readonly saysWhy = true;
  private readonly flow: Flow<Packet>;
  private readonly machine: TunnelMachine;
  private reachedServer = false;

  constructor(world: Surroundings, options: ClientOptions) {
    super(world, options);
    const { server, link, id, address } = options;
    const { faithful, clock, extensions } = world;
    this.flow = packetFlow(world, link, server.together);
    const end = this.flow.dialler;
    const flowControl = extensions.includes('fc1');
    this.machine = new TunnelMachine({
      ...{ clock, server: end, user: this, dialId: id, address, flowControl, ...waits },
      readTimeoutMs: faithful.has('reader-pause-cuts') ? waits.readTimeoutMs : 0,
    });
    this.flow.serve(end, {
      packet: (packet) => this.machine.handlePacket(packet),
      ended: (how) => this.streamEnded(how),
    });
    const accepted = (credits: boolean): void => {
      this.reachedServer = true;
      if (credits) this.machine.agreeOnCredits();
    };
    server.meet(this.flow, () => server.acceptGrpc(this.flow, { flowControl, accepted }));
    this.machine.dial();
  }

  override failed(code: ErrorCode, error: string): void {
    super.failed(code, error);
    if (code === 'DIAL_TIMEOUT' || code === 'DIAL_CANCELLED') this.flow.dialler.cancel();
    else this.flow.dialler.finish();
  }

  override closed(error: string): void {
    super.closed(error);
    if (error === '') this.flow.dialler.finish();
    else this.flow.dialler.cancel();
  }

  packet(direction: 'in' | 'out', packet: Packet): void {
    const event = packetEvent(clientNode, this.options.serverNode, direction, packet);
    if (event !== undefined) this.world.emit({ ...event, dialId: this.options.id.toString() });
  }

  protected send(bytes: Uint8Array): Congestible | undefined {
    return this.machine.write(bytes);
  }

  protected took(bytes: number): void {
    this.machine.took(bytes);
  }

  protected endConnection(): void {
    this.machine.close();
  }

  protected abandonDial(): void {
    this.machine.cancel();
  }

  protected loseStream(silent: boolean): void {
    this.flow.dialler.die(silent);
    this.flow.dialler.cut();
  }

  private streamEnded(how: 'finished' | 'lost'): void {
    const told = how === 'lost' || this.outcome === 'failed' || this.outcome === 'closed';
    const { id } = this.options;
    expectThat(told, 'no-needless-end', () => `the stream of dial ${id} ended without an answer or a CLOSE`);
    const code = this.reachedServer ? 'TUNNEL_CLOSED' : 'SERVER_UNREACHABLE';
    this.machine.streamLost(code, how === 'lost' ? 'connection reset by peer' : '');
  }
}

/** A client that speaks HTTP CONNECT. It does not half-close. */
export class ConnectCall extends Call {
  protected readonly saysWhy = false;
  private readonly flow: Flow<Uint8Array>;
  private readonly answer = new AnswerReader();
  private readonly timer: Timer | undefined;

  constructor(world: Surroundings, options: ClientOptions) {
    super(world, options);
    const { server, link, id, address } = options;
    const { clock, open, faithful } = world;
    const sizeOf = (bytes: Uint8Array): number => bytes.length;
    this.flow = new Flow({ clock, link, open, sizeOf, together: server.together });
    if (!faithful.has('connect-answer-unbounded')) {
      this.timer = clock.after(waits.dialTimeoutMs, () => this.giveUp('DIAL_TIMEOUT', 'i/o timeout'));
    }
    this.flow.serve(this.flow.dialler, {
      packet: (bytes) => this.received(bytes),
      ended: (how) => this.streamEnded(how === 'lost' ? 'connection reset by peer' : ''),
    });
    server.meet(this.flow, () => server.acceptConnect(this.flow, { dialId: id, address }));
  }

  protected send(bytes: Uint8Array): Congestible {
    this.flow.dialler.send(bytes);
    return this.flow.dialler;
  }

  /** The socket is read as long as there is room in its queue. */
  protected took(): void {}

  protected endConnection(): void {
    this.flow.dialler.cancel();
  }

  protected abandonDial(): void {
    this.giveUp('DIAL_CANCELLED', 'context canceled');
  }

  protected loseStream(silent: boolean): void {
    this.flow.dialler.die(silent);
    this.flow.dialler.cut();
  }

  private received(bytes: Uint8Array): Congestible | undefined {
    if (this.outcome === 'open') return this.data(bytes);
    const answer = this.outcome === 'dialling' ? this.answer.receive(bytes) : undefined;
    if (answer !== undefined) this.answered(answer);
    return undefined;
  }

  private answered(answer: ConnectAnswer): void {
    if (answer.kind === 'broken') return this.giveUp('PROTOCOL_VIOLATION', answer.text);
    if (answer.code !== 200) return this.giveUp('DIAL_FAILED', answer.status);
    this.timer?.cancel();
    this.established();
  }

  private giveUp(code: ErrorCode, text: string): void {
    this.timer?.cancel();
    this.failed(code, text);
    this.flow.dialler.cancel();
  }

  private streamEnded(error: string): void {
    this.timer?.cancel();
    if (this.outcome === 'dialling') this.failed('TUNNEL_CLOSED', error === '' ? cutShortText : error);
    else if (this.outcome === 'open') this.closed(error);
  }
}
