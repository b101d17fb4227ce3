import type { ErrorCode } from '../../src/core/errors.js';
import type { ConnectionEvent } from '../../src/core/events.js';
import type { DialId } from '../../src/core/packet.js';
import type { Congestible, Drained } from '../../src/core/port.js';
import { ByteFlow, expectThat } from '../support/invariants.js';
import { chunks, Reader, Writer } from './reader-writer.js';
import type { CallEnds, EndpointEnd, Surroundings } from './surroundings.js';

export const clientNode = 'client/apiserver';

export interface CallOptions {
  readonly id: DialId;
  /** `accepts.node-1:80`. */
  readonly address: string;
  /** The proxy-server that is asked, in events. */
  readonly serverNode: string;
}

/** One dial with its connection, from the client's call to the endpoint. */
export abstract class Call implements CallEnds {
  readonly up: ByteFlow;
  readonly down: ByteFlow;
  readonly reader: Reader;
  endpoint: EndpointEnd | undefined;
  outcome: 'dialling' | 'open' | 'failed' | 'closed' = 'dialling';
  protected readonly world: Surroundings;
  protected readonly options: CallOptions;
  private readonly writer: Writer;
  /** Its client or its endpoint did what ends a dial or a connection. */
  private mayEnd = false;
  private closing = false;
  private hungUp = false;
  private rested = false;

  constructor(world: Surroundings, options: CallOptions) {
    const number = Number(options.id) * 2;
    this.world = world;
    this.options = options;
    this.up = new ByteFlow(number, `up ${options.id}`);
    this.down = new ByteFlow(number + 1, `down ${options.id}`);
    this.reader = new Reader(world.clock, (bytes) => this.took(bytes));
    this.writer = new Writer(this.up, chunks.clientBytes, (bytes) => this.send(bytes));
    world.ledgers.clientDials.begin(this);
    this.tell('dial.started');
  }

  /** Writes to the tunnel. Returns the queue that may be too full now. */
  protected abstract send(bytes: Uint8Array): Congestible | undefined;
  /** The reader has taken bytes. */
  protected abstract took(bytes: number): void;
  /** Closes the open connection. */
  protected abstract endConnection(): void;
  /** Gives the dial up. */
  protected abstract abandonDial(): void;
  /** Its transport goes away. `silent`: the server is not told. */
  protected abstract loseStream(silent: boolean): void;
  /** False when its end has no room for a reason. */
  protected abstract readonly saysWhy: boolean;

  /** All that it said is on its way. */
  get idle(): boolean {
    return this.writer.idle;
  }

  say(bytes: number): void {
    if (this.outcome === 'open') this.writer.add(bytes);
  }

  /** Ends the connection after what was written. */
  close(): void {
    if (this.outcome !== 'open') return;
    this.closing = true;
    this.mayEnd = true;
    this.writer.end(() => this.endConnection());
  }

  cancel(): void {
    if (this.outcome !== 'dialling') return;
    this.mayEnd = true;
    this.abandonDial();
  }

  vanish(silent: boolean): void {
    this.closing = true;
    this.mayEnd = true;
    this.loseStream(silent);
  }

  endpointHangsUp(): void {
    this.hungUp = true;
    this.mayEnd = true;
    this.endpoint?.hangUp();
  }

  /** A reader at either end reads nothing until it goes on. */
  rest(reader: Pick<EndpointEnd, 'rest'>): void {
    this.rested = true;
    this.mayEnd = true;
    reader.rest();
  }

  established(): void {
    const { clientDials, clientConnections } = this.world.ledgers;
    this.outcome = 'open';
    clientDials.end(this);
    clientConnections.begin(this);
    this.tell('dial.established');
  }

  failed(code: ErrorCode, error: string): void {
    this.outcome = 'failed';
    this.world.ledgers.clientDials.end(this);
    this.tell('dial.failed', { code, error });
    const { network, packets, slow } = this.world.disturbed;
    const { address, id } = this.options;
    const mayFail = network || packets || slow || this.mayEnd || !address.startsWith('accepts');
    expectThat(mayFail, 'no-needless-end', () => `dial ${id} to ${address} failed: ${error}`);
  }

  data(bytes: Uint8Array): Drained {
    this.down.take(bytes);
    this.reader.add(bytes.length);
    return this.reader;
  }

  closed(error: string): void {
    this.outcome = 'closed';
    this.world.ledgers.clientConnections.end(this);
    this.reader.drop();
    this.writer.drop();
    this.tell('connection.closed', error === '' ? {} : { error });
    this.judgeEnd(error);
  }

  private judgeEnd(error: string): void {
    const { world, options, down, hungUp, rested } = this;
    const { network } = world.disturbed;
    expectThat(network || this.mayEnd, 'no-needless-end', () => `connection ${options.id} ended: ${error}`);
    const trusted = this.saysWhy && !world.faithful.has('close-without-reason');
    if (error !== '' || this.closing || (!trusted && (network || rested))) return;
    const { came, written } = down;
    expectThat(hungUp && down.complete, 'complete', () => {
      const what = hungUp ? `${came} of ${written} bytes` : 'before its endpoint hung up';
      return `connection ${options.id} ended as if complete: ${what}`;
    });
  }

  private tell(
    kind: ConnectionEvent['kind'],
    more: { readonly code?: ErrorCode; readonly error?: string } = {},
  ): void {
    const { id, address, serverNode } = this.options;
    const common = { node: clientNode, peer: serverNode, dialId: id.toString(), address };
    this.world.emit({ kind, ...common, ...more });
  }
}
