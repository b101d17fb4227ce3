import type { AgentMachine } from '../../src/core/agent/machine.js';
import type { Endpoint, EndpointPort } from '../../src/core/agent/state.js';
import type { Clock, Timer } from '../../src/core/clock.js';
import type { Random } from '../../src/core/random.js';
import { expectThat } from '../support/invariants.js';
import { chunks, Reader, Writer } from './reader-writer.js';
import type { CallEnds, EndpointEnd } from './surroundings.js';

/** How long an endpoint may take to accept or refuse, ms. */
const answersMs = [2, 2, 2, 30, 900];

/** What an endpoint does, by the host of its address: `accepts.node-1:80`. One that is silent never answers. */
export const endpointKinds = ['accepts', 'refuses', 'silent'] as const;

export interface MemoryEndpointOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly machine: AgentMachine;
  readonly endpoint: Endpoint;
  readonly call: CallEnds;
}

/** A server on a node, and its connection with the agent. */
export class MemoryEndpoint extends Reader implements EndpointPort, EndpointEnd {
  private readonly endpoint: Endpoint;
  private readonly machine: AgentMachine;
  private readonly call: CallEnds;
  private readonly writer: Writer;
  private readonly answer: Timer | undefined;

  constructor({ clock, random, machine, endpoint, call }: MemoryEndpointOptions) {
    super(clock, (bytes) => machine.endpointTook(endpoint, bytes));
    this.endpoint = endpoint;
    this.machine = machine;
    this.call = call;
    expectThat(call.endpoint === undefined, 'one-end', () => `dial ${endpoint.dialId} reached two endpoints`);
    call.endpoint = this;
    this.writer = new Writer(call.down, chunks.endpointBytes, (bytes) =>
      machine.endpointData(endpoint, bytes),
    );
    const { address } = endpoint;
    const answerMs = answersMs[random.below(answersMs.length)] ?? 0;
    if (!address.startsWith('silent')) this.answer = clock.after(answerMs, () => this.answered(address));
  }

  get kind(): Endpoint['kind'] {
    return this.endpoint.kind;
  }

  get idle(): boolean {
    return this.writer.idle;
  }

  write(data: Uint8Array): void {
    this.call.up.take(data);
    this.add(data.length);
  }

  finish(): void {
    this.destroy();
  }

  destroy(): void {
    this.answer?.cancel();
    this.drop();
    this.writer.drop();
  }

  say(bytes: number): void {
    if (this.endpoint.kind === 'open') this.writer.add(bytes);
  }

  hangUp(): void {
    this.writer.end(() => this.machine.endpointEnded(this.endpoint));
  }

  private answered(address: string): void {
    if (address.startsWith('accepts')) return this.machine.dialSucceeded(this.endpoint);
    this.machine.dialFailed(this.endpoint, `dial tcp ${address}: connect: connection refused`, 'refused');
  }
}
