import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../../src/core/clock.js';
import { ConnectionBounds } from '../../../src/core/connection-bounds.js';

class Connection extends EventEmitter {
  readonly remoteAddress = '127.0.0.1';
  readonly remotePort = 4711;
  destroyed = false;

  destroy(): void {
    this.destroyed = true;
    this.emit('close');
  }
}

describe('the bounds of a connection', () => {
  it('have one listener for any number of requests', () => {
    const clock = new ManualClock();
    const bounds = new ConnectionBounds(clock);
    const connection = new Connection();
    bounds.expect(connection, 1_000);
    for (let request = 0; request < 100; request += 1) {
      bounds.requestBegins(connection);
      bounds.requestEnds(connection, 1_000);
    }
    expect(connection.listenerCount('close')).toBe(1);
    clock.advance(1_000);
    expect(connection.destroyed).toBe(true);
  });

  it('keep the requests of a new connection from the port of one that is closed late', () => {
    const clock = new ManualClock();
    const bounds = new ConnectionBounds(clock);
    const [old, next] = [new Connection(), new Connection()];
    bounds.requestBegins(old);
    bounds.requestBegins(next);
    bounds.requestBegins(next);
    old.destroy();
    bounds.requestEnds(next, 1_000);
    expect(clock.pendingTimers).toBe(0);
    bounds.requestEnds(next, 1_000);
    clock.advance(1_000);
    expect(next.destroyed).toBe(true);
  });
});
