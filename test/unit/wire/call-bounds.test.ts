import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { ServerInterceptingCall, ServerMethodDefinition } from '@grpc/grpc-js';
import { beforeEach, expect, it } from 'vitest';
import { ManualClock } from '../../../src/core/clock.js';
import { CallBounds } from '../../../src/wire/grpc/call-bounds.js';

interface Address {
  readonly remoteAddress?: string;
  readonly remotePort?: number;
}

/** A connection as far as bounds see it. */
class Connection extends EventEmitter {
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  destroyed = false;

  constructor({ remoteAddress, remotePort }: Address) {
    super();
    this.remoteAddress = remoteAddress;
    this.remotePort = remotePort;
    bounds.watch(this as unknown as Socket);
  }

  destroy(): void {
    this.destroyed = true;
    this.emit('close');
  }
}

let clock: ManualClock;
let bounds: CallBounds;
beforeEach(() => {
  clock = new ManualClock();
  bounds = new CallBounds({ clock, firstCallMs: 60_000 });
});

/** A call as grpc-js tells of it: by the address of its client. */
function callFrom(address: Address): void {
  const call = { getConnectionInfo: () => address } as unknown as ServerInterceptingCall;
  bounds.interceptor({} as ServerMethodDefinition<unknown, unknown>, call);
}

it('connections without an address that were opened before the first of their calls stay open', () => {
  const connections = [new Connection({}), new Connection({})];
  callFrom({});
  callFrom({});
  clock.advance(60_000);
  expect(connections.map(({ destroyed }) => destroyed)).toEqual([false, false]);
});

it('a connection without an address is closed when no call came since it was opened', () => {
  callFrom({});
  const connection = new Connection({});
  clock.advance(60_000);
  expect(connection.destroyed).toBe(true);
});

it('a client may use the port of a connection whose end is not noticed yet', () => {
  const address = { remoteAddress: '::1', remotePort: 5000 };
  const first = new Connection(address);
  const second = new Connection(address);
  first.emit('close');
  callFrom(address);
  clock.advance(60_000);
  expect(second.destroyed).toBe(false);
});

it('the wait for the first call of a connection does not end with an earlier one from the same port', () => {
  const address = { remoteAddress: '::1', remotePort: 5000 };
  const first = new Connection(address);
  const second = new Connection(address);
  first.emit('close');
  clock.advance(60_000);
  expect(second.destroyed).toBe(true);
});
