import { describe, expect, it } from 'vitest';
import { endpointStallText } from '../../../src/core/agent/dial.js';
import { AgentMachine, createConnectIds } from '../../../src/core/agent/machine.js';
import type { Endpoint, EndpointPort } from '../../../src/core/agent/state.js';
import { ManualClock } from '../../../src/core/clock.js';
import {
  closeRequest,
  closeResponse,
  connectId,
  dialClose,
  dialId,
  drainPacket,
  maxDataBytes,
  type Packet,
} from '../../../src/core/packet.js';
import { stallPatienceMs } from '../../../src/core/stall-guard.js';
import { RecordingPort } from '../../support/recording-port.js';
import { answer, data, dial } from '../../support/server-bench.js';

class RecordingEndpoint implements EndpointPort {
  readonly endpoint: Endpoint;
  congested = false;
  takenBytes = 0;
  written = '';
  ends: ('finish' | 'destroy')[] = [];

  constructor(endpoint: Endpoint) {
    this.endpoint = endpoint;
  }

  write(bytes: Uint8Array): void {
    this.written += Buffer.from(bytes).toString();
  }

  finish(): void {
    this.ends.push('finish');
  }

  destroy(): void {
    this.ends.push('destroy');
  }

  whenClear(): void {}
}

function createBench(nextConnectId = createConnectIds()) {
  const clock = new ManualClock();
  const server = new RecordingPort();
  const endpoints: RecordingEndpoint[] = [];
  const told: string[] = [];
  const machine = new AgentMachine({
    clock,
    server,
    nextConnectId,
    dialTimeoutMs: 5000,
    observer: {
      packet: () => undefined,
      dialStarted: ({ dialId: id }) => void told.push(`started ${id}`),
      dialSucceeded: ({ dialId: id }) => void told.push(`succeeded ${id}`),
      dialFailed: ({ dialId: id }, _text, reason) => void told.push(`failed ${id} ${reason}`),
      endpointClosed: ({ dialId: id }) => void told.push(`closed ${id}`),
    },
    openEndpoint: (endpoint) => {
      const port = new RecordingEndpoint(endpoint);
      endpoints.push(port);
      return port;
    },
  });
  const at = (index: number): RecordingEndpoint => {
    const found = endpoints[index];
    if (found === undefined) throw new Error(`endpoint ${index} was never dialled`);
    return found;
  };
  return { clock, server, machine, told, at };
}

function dialling() {
  const bench = createBench();
  bench.machine.handlePacket(dial(7n));
  return { ...bench, endpoint: bench.at(0) };
}

function connected() {
  const bench = dialling();
  bench.machine.dialSucceeded(bench.endpoint.endpoint);
  bench.server.take();
  return bench;
}

const one = connectId(1n);

describe('a dial at the agent', () => {
  it('is answered with the next connect ID when the endpoint accepts', () => {
    const { machine, server, endpoint, told, clock } = dialling();
    expect(endpoint.endpoint).toMatchObject({ address: '10.0.0.1:10250', connectId: 1n });
    expect(server.take()).toEqual([]);
    machine.dialSucceeded(endpoint.endpoint);
    machine.dialSucceeded(endpoint.endpoint);
    expect(server.take()).toEqual(['DIAL_RSP 7 ok 1']);
    expect(told).toEqual(['started 7', 'succeeded 7']);
    expect(clock.pendingTimers).toBe(0);
  });

  it('R16: is answered before any DATA of its endpoint', () => {
    const { machine, server, endpoint } = dialling();
    machine.endpointData(endpoint.endpoint, Buffer.from('too early'));
    machine.dialSucceeded(endpoint.endpoint);
    machine.endpointData(endpoint.endpoint, Buffer.from('hello'));
    expect(server.take()).toEqual(['DIAL_RSP 7 ok 1', 'DATA 1 hello']);
  });

  it.each([
    ['refused', 'dial tcp 10.0.0.1:10250: connect: connection refused'],
    ['timeout', 'dial tcp 10.0.0.1:10250: i/o timeout'],
  ] as const)('R14: is answered with the text of its failure: %s, %s', (reason, text) => {
    const { machine, server, endpoint, told, clock } = dialling();
    machine.dialFailed(endpoint.endpoint, text, reason);
    machine.dialFailed(endpoint.endpoint, 'again');
    machine.dialSucceeded(endpoint.endpoint);
    expect(server.take()).toEqual([`DIAL_RSP 7 ${text}`]);
    expect(told.at(-1)).toBe(`failed 7 ${reason}`);
    expect([machine.endpoints.size, clock.pendingTimers]).toEqual([0, 0]);
  });

  it('R14: ends after its timeout with Go’s text, and the connect is aborted', () => {
    const { server, endpoint, told, clock, machine } = dialling();
    clock.advance(5000);
    expect(server.take()).toEqual(['DIAL_RSP 7 dial tcp 10.0.0.1:10250: i/o timeout']);
    expect(endpoint.ends).toEqual(['destroy']);
    expect(told.at(-1)).toBe('failed 7 timeout');
    expect(machine.endpoints.size).toBe(0);
  });

  it.each(['udp', 'unix', ''])('R15: of network %j is refused', (protocol) => {
    const { machine, server, clock } = createBench();
    machine.handlePacket({ kind: 'DIAL_REQ', protocol, address: '/var/run/x.sock', dialId: dialId(7n) });
    expect(server.take()).toEqual([`DIAL_RSP 7 dial ${protocol}: unknown network ${protocol}`]);
    expect([machine.endpoints.size, clock.pendingTimers]).toEqual([0, 0]);
  });

  it('R7: is aborted by DIAL_CLS, and not answered', () => {
    const { machine, server, endpoint, told, clock } = dialling();
    machine.handlePacket(dialClose(dialId(7n)));
    machine.dialSucceeded(endpoint.endpoint);
    expect(endpoint.ends).toEqual(['destroy']);
    expect(server.take()).toEqual([]);
    expect(told.at(-1)).toBe('failed 7 cancelled');
    expect([machine.endpoints.size, clock.pendingTimers]).toEqual([0, 0]);
  });

  it('R7: closes its endpoint when it is cancelled as a connection, and the later CLOSE_REQ is answered', () => {
    const { machine, server, endpoint, told } = connected();
    machine.handlePacket(dialClose(dialId(7n)));
    machine.handlePacket(closeRequest(one));
    expect(endpoint.ends).toEqual(['finish']);
    expect(server.take()).toEqual(['CLOSE_RSP 1 Unknown connectID']);
    expect(told.at(-1)).toBe('closed 7');
  });

  it('R7: is not touched by a DIAL_CLS for another', () => {
    const { machine, endpoint } = dialling();
    machine.handlePacket(dialClose(dialId(8n)));
    expect(endpoint.ends).toEqual([]);
    expect(machine.endpoints.size).toBe(1);
  });

  it('R23: uses connect IDs from 1, each once, over all servers', () => {
    const ids = createConnectIds();
    const [first, second] = [createBench(ids), createBench(ids)];
    first.machine.handlePacket(dial(7n));
    first.machine.dialFailed(first.at(0).endpoint, 'refused');
    second.machine.handlePacket(dial(7n));
    first.machine.handlePacket(dial(8n));
    expect([first.at(0), second.at(0), first.at(1)].map(({ endpoint }) => endpoint.connectId)).toEqual([
      1n,
      2n,
      3n,
    ]);
  });

  it('ends, for its observer too, when the server is lost', () => {
    const { machine, endpoint, told, clock, server } = dialling();
    machine.serverLost();
    expect(endpoint.ends).toEqual(['destroy']);
    expect(told).toEqual(['started 7', 'failed 7 server_lost']);
    expect(server.take()).toEqual([]);
    expect([machine.endpoints.size, clock.pendingTimers]).toEqual([0, 0]);
  });
});

describe('a connection at the agent', () => {
  it('carries DATA both ways, and returns the queue that may be full', () => {
    const { machine, server, endpoint } = connected();
    expect(machine.handlePacket(data(1n, 'up'))).toBe(endpoint);
    expect(machine.endpointData(endpoint.endpoint, Buffer.from('down'))).toBe(server);
    expect(endpoint.written).toBe('up');
    expect(server.take()).toEqual(['DATA 1 down']);
  });

  it("R4: splits an endpoint's bytes into packets of 64 KiB, R5: and sends no packet without payload", () => {
    const { machine, server, endpoint } = connected();
    machine.endpointData(endpoint.endpoint, Buffer.alloc(2 * maxDataBytes + 1));
    machine.endpointData(endpoint.endpoint, Buffer.alloc(0));
    const sizes = server.sent.map((packet) => (packet.kind === 'DATA' ? packet.data.length : -1));
    expect(sizes).toEqual([maxDataBytes, maxDataBytes, 1]);
  });

  it('R17: that is unknown, or still dialled, is answered CLOSE_RSP, R5: but ID 0 is not', () => {
    const { machine, server } = dialling();
    machine.handlePacket(data(1n, 'x'));
    machine.handlePacket(data(5n, 'x'));
    machine.handlePacket(data(0n, 'x'));
    expect(server.take()).toEqual([
      'CLOSE_RSP 1 unrecognized connectID',
      'CLOSE_RSP 5 unrecognized connectID',
    ]);
  });

  it('R18: answers CLOSE_REQ, also the second time, R20: and writes queued bytes', () => {
    const { machine, server, endpoint, told } = connected();
    machine.handlePacket(closeRequest(one));
    machine.handlePacket(closeRequest(one));
    expect(server.take()).toEqual(['CLOSE_RSP 1', 'CLOSE_RSP 1 Unknown connectID']);
    expect(endpoint.ends).toEqual(['finish']);
    expect(told.at(-1)).toBe('closed 7');
    machine.endpointData(endpoint.endpoint, Buffer.from('late'));
    machine.endpointEnded(endpoint.endpoint);
    expect(server.take()).toEqual([]);
  });

  it('R18: answers a CLOSE_REQ for a dial with Unknown connectID, and the dial goes on', () => {
    const { machine, server, endpoint } = dialling();
    machine.handlePacket(closeRequest(one));
    machine.dialSucceeded(endpoint.endpoint);
    expect(server.take()).toEqual(['CLOSE_RSP 1 Unknown connectID', 'DIAL_RSP 7 ok 1']);
  });

  it('R20: ends both ways when its endpoint ends', () => {
    const { machine, server, endpoint, told } = connected();
    machine.endpointData(endpoint.endpoint, Buffer.from('bye'));
    machine.endpointEnded(endpoint.endpoint);
    machine.endpointEnded(endpoint.endpoint);
    expect(server.take()).toEqual(['DATA 1 bye', 'CLOSE_RSP 1']);
    expect(endpoint.ends).toEqual(['finish']);
    expect(told.at(-1)).toBe('closed 7');
    expect(machine.endpoints.size).toBe(0);
  });

  it('loses its endpoint when the server is lost', () => {
    const { machine, endpoint, told, server } = connected();
    machine.serverLost();
    expect(endpoint.ends).toEqual(['destroy']);
    expect(told.at(-1)).toBe('closed 7');
    expect(server.take()).toEqual([]);
  });

  it('R2: ignores packets that a server must not send', () => {
    const { machine, server, endpoint } = connected();
    const strange: Packet[] = [answer(7n, 1n), closeResponse(one), drainPacket, { kind: 'UNKNOWN', type: 9 }];
    for (const packet of strange) machine.handlePacket(packet);
    expect([server.take(), endpoint.ends, endpoint.written]).toEqual([[], [], '']);
  });

  it('R19: is dropped when its endpoint takes nothing of a full queue for 30 s', () => {
    const { machine, server, endpoint, clock, told } = connected();
    endpoint.congested = true;
    machine.handlePacket(data(1n, 'x'));
    clock.advance(stallPatienceMs);
    expect(endpoint.ends).toEqual(['destroy']);
    expect(server.take()).toEqual([`CLOSE_RSP 1 ${endpointStallText}`]);
    expect(told.at(-1)).toBe('closed 7');
    expect([machine.endpoints.size, clock.pendingTimers]).toEqual([0, 0]);
  });

  it('R19: lasts while its endpoint takes a little, and leaves no timer when it ends', () => {
    const { machine, endpoint, clock } = connected();
    endpoint.congested = true;
    machine.handlePacket(data(1n, 'x'));
    for (let round = 0; round < 20; round += 1) {
      clock.advance(stallPatienceMs - 1);
      endpoint.takenBytes += 1;
    }
    expect(endpoint.ends).toEqual([]);
    machine.endpointEnded(endpoint.endpoint);
    expect(clock.pendingTimers).toBe(0);
  });

  it('R21: continues while the agent drains', () => {
    const { machine, server, endpoint } = connected();
    machine.drain();
    machine.endpointData(endpoint.endpoint, Buffer.from('x'));
    expect(server.take()).toEqual(['DRAIN', 'DATA 1 x']);
  });
});
