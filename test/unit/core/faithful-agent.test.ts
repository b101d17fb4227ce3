import { describe, expect, it } from 'vitest';
import { AgentMachine, createConnectIds } from '../../../src/core/agent/machine.js';
import type { Endpoint, EndpointPort } from '../../../src/core/agent/state.js';
import { ManualClock } from '../../../src/core/clock.js';
import type { FaithfulName } from '../../../src/core/faithful.js';
import { closeRequest, connectId, dialClose, dialId } from '../../../src/core/packet.js';
import { RecordingPort } from '../../support/recording-port.js';
import { data, dial } from '../../support/server-bench.js';

class QueueingEndpoint implements EndpointPort {
  congested = false;
  readonly takenBytes = 0;
  readonly ends: string[] = [];

  write(): void {}
  whenClear(): void {}

  finish(): void {
    this.ends.push('finish');
  }

  destroy(): void {
    this.ends.push('destroy');
  }
}

const ignore = (): void => undefined;

function createBench(...faithful: FaithfulName[]) {
  const clock = new ManualClock();
  const server = new RecordingPort();
  const ports: QueueingEndpoint[] = [];
  const endpoints: Endpoint[] = [];
  const machine = new AgentMachine({
    ...{ clock, server, nextConnectId: createConnectIds(), dialTimeoutMs: 5000, faithful: new Set(faithful) },
    observer: {
      packet: ignore,
      dialStarted: ignore,
      dialSucceeded: ignore,
      dialFailed: ignore,
      endpointClosed: ignore,
    },
    openEndpoint: (endpoint) => {
      const port = new QueueingEndpoint();
      ports.push(port);
      endpoints.push(endpoint);
      return port;
    },
  });
  return { clock, server, machine, ports, endpoints };
}

/** With connection 1 open. */
function opened(...faithful: FaithfulName[]) {
  const bench = createBench(...faithful);
  bench.machine.handlePacket(dial(7n));
  const [endpoint] = bench.endpoints;
  if (endpoint !== undefined) bench.machine.dialSucceeded(endpoint);
  bench.server.take();
  return { ...bench, port: bench.ports[0] };
}

describe('head-of-line-blocking', () => {
  const stall = (...faithful: FaithfulName[]): string[] => {
    const { machine, clock, port, server } = opened(...faithful);
    if (port !== undefined) port.congested = true;
    machine.handlePacket(data(1n, 'x'));
    clock.advance(10 * 60_000);
    return server.take();
  };

  it('the agent waits for ever for an endpoint that does not read; without it the endpoint is dropped', () => {
    expect(stall('head-of-line-blocking')).toEqual([]);
    expect(stall()).toEqual(['CLOSE_RSP 1 the endpoint does not read']);
  });
});

describe('dial-cancel-ignored', () => {
  const cancel = (...faithful: FaithfulName[]): string[] | undefined => {
    const { machine, ports } = createBench(...faithful);
    machine.handlePacket(dial(7n));
    machine.handlePacket(dialClose(dialId(7n)));
    return ports[0]?.ends;
  };

  it('a cancelled dial continues; without it the dial is cancelled', () => {
    expect(cancel('dial-cancel-ignored')).toEqual([]);
    expect(cancel()).toEqual(['destroy']);
  });
});

describe('drain-waits-for-packet', () => {
  it('DRAIN is sent only after the next packet; without it at once', () => {
    const late = opened('drain-waits-for-packet');
    late.machine.drain();
    expect(late.server.take()).toEqual([]);
    late.machine.handlePacket(data(1n, 'x'));
    late.machine.handlePacket(data(1n, 'y'));
    expect(late.server.take()).toEqual(['DRAIN']);
    const prompt = opened();
    prompt.machine.drain();
    expect(prompt.server.take()).toEqual(['DRAIN']);
  });
});

describe('queued-data-lost-at-close', () => {
  const close = (...faithful: FaithfulName[]): string[] | undefined => {
    const { machine, port } = opened(...faithful);
    machine.handlePacket(closeRequest(connectId(1n)));
    return port?.ends;
  };

  it('queued bytes are dropped with the socket; without it they are written first', () => {
    expect(close('queued-data-lost-at-close')).toEqual(['destroy']);
    expect(close()).toEqual(['finish']);
  });
});
