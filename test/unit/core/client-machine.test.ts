import { describe, expect, it } from 'vitest';
import { readStallText, TunnelMachine } from '../../../src/core/client/machine.js';
import { ManualClock } from '../../../src/core/clock.js';
import {
  closeRequest,
  closeResponse,
  connectId,
  dataPacket,
  dialClose,
  dialFailure,
  dialId,
  drainPacket,
  maxDataBytes,
  type Packet,
} from '../../../src/core/packet.js';
import { RecordingPort } from '../../support/recording-port.js';
import { answer, data, dial } from '../../support/server-bench.js';

function createBench(readTimeoutMs = 10_000) {
  const clock = new ManualClock();
  const server = new RecordingPort();
  const told: string[] = [];
  const reader = { congested: false, takenBytes: 0, whenClear: () => undefined };
  const machine = new TunnelMachine({
    clock,
    server,
    dialId: dialId(7n),
    address: 'node:10250',
    dialTimeoutMs: 30_000,
    closeTimeoutMs: 10_000,
    readTimeoutMs,
    user: {
      established: () => void told.push('established'),
      failed: (code, text) => void told.push(`failed ${code} ${text}`),
      closed: (error) => void told.push(`closed ${error}`.trim()),
      packet: () => undefined,
      data: (bytes) => {
        told.push(`data ${Buffer.from(bytes).toString()}`);
        return reader;
      },
    },
  });
  return { clock, server, told, reader, machine };
}

function dialling(readTimeoutMs?: number) {
  const bench = createBench(readTimeoutMs);
  bench.machine.dial();
  bench.server.take();
  return bench;
}

function open(readTimeoutMs?: number) {
  const bench = dialling(readTimeoutMs);
  bench.machine.handlePacket(answer(7n, 1n));
  bench.told.splice(0);
  return bench;
}

function closing() {
  const bench = open();
  bench.machine.close();
  bench.server.take();
  return bench;
}

const one = connectId(1n);

describe('a dial at the client', () => {
  it('sends DIAL_REQ, and opens a connection when the answer has a connect ID', () => {
    const { machine, server, told, clock } = createBench();
    machine.dial();
    expect(server.take()).toEqual(['DIAL_REQ 7 node:10250']);
    expect(machine.connectId).toBeUndefined();
    machine.handlePacket(answer(7n, 3n));
    expect(told).toEqual(['established']);
    expect([machine.connectId, clock.pendingTimers]).toEqual([3n, 0]);
  });

  it.each([
    ['No agent available', 'NO_AGENT'],
    ['agent connection lost', 'TUNNEL_CLOSED'],
    ['timed out waiting for backend dial', 'DIAL_TIMEOUT'],
    ['dial tcp 10.0.0.1:1: i/o timeout', 'DIAL_TIMEOUT'],
    ['dial tcp 10.0.0.1:1: connect: connection refused', 'DIAL_FAILED'],
  ])('R14: fails once with the text %j as %s', (text, code) => {
    const { machine, told, clock } = dialling();
    machine.handlePacket(dialFailure(dialId(7n), text));
    machine.handlePacket(dialClose(dialId(7n)));
    machine.streamLost('TUNNEL_CLOSED', '');
    expect(told).toEqual([`failed ${code} ${text}`]);
    expect([machine.ended, clock.pendingTimers]).toEqual([true, 0]);
  });

  it('fails when the answer has no connect ID', () => {
    const { machine, told } = dialling();
    machine.handlePacket(answer(7n, 0n));
    expect(told).toEqual(['failed PROTOCOL_VIOLATION DIAL_RSP without a connection ID']);
  });

  it('is not touched by answers to another dial', () => {
    const { machine, told } = dialling();
    machine.handlePacket(answer(8n, 1n));
    machine.handlePacket(dialFailure(dialId(8n), 'x'));
    machine.handlePacket(dialClose(dialId(8n)));
    expect([told, machine.ended]).toEqual([[], false]);
  });

  it('R14: ends after 30 s with DIAL_CLS, and a later answer is ignored', () => {
    const { machine, server, told, clock } = dialling();
    clock.advance(30_000);
    expect(server.take()).toEqual(['DIAL_CLS 7']);
    machine.handlePacket(answer(7n, 1n));
    expect(told).toEqual(['failed DIAL_TIMEOUT dial timeout, backstop']);
  });

  it.each(['cancel', 'close'] as const)('R7: sends DIAL_CLS when given up by %s', (verb) => {
    const { machine, server, told, clock } = dialling();
    machine[verb]();
    machine[verb]();
    expect(server.take()).toEqual(['DIAL_CLS 7']);
    expect(told).toEqual(['failed DIAL_CANCELLED dial timeout, context']);
    expect(clock.pendingTimers).toBe(0);
  });

  it('ends with DIAL_CLS of the server', () => {
    const { machine, told, server } = dialling();
    machine.handlePacket(dialClose(dialId(7n)));
    expect(told).toEqual(['failed DIAL_FAILED dial closed']);
    expect(server.take()).toEqual([]);
  });

  it.each([
    ['', 'tunnel closed'],
    ['connect ENOENT /x', 'connect ENOENT /x'],
  ])('ends with its stream (%j)', (reason, text) => {
    const { machine, told, clock } = dialling();
    machine.streamLost('SERVER_UNREACHABLE', reason);
    expect(told).toEqual([`failed SERVER_UNREACHABLE ${text}`]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('R17: answers DATA with CLOSE_REQ, and sends no DATA itself', () => {
    const { machine, server } = dialling();
    machine.handlePacket(data(5n, 'x'));
    expect(machine.write(Buffer.from('x'))).toBeUndefined();
    expect(server.take()).toEqual(['CLOSE_REQ 5']);
  });

  it('can be cancelled without an effect after it has opened a connection', () => {
    const { machine, server } = open();
    machine.cancel();
    expect([server.take(), machine.ended]).toEqual([[], false]);
  });
});

describe('a connection at the client', () => {
  it('R4: sends packets of at most 64 KiB and says what may be full', () => {
    const { machine, server } = open();
    expect(machine.write(Buffer.alloc(maxDataBytes + 1))).toBe(server);
    expect(server.sent.map((packet) => packet.kind === 'DATA' && packet.data.length)).toEqual([
      maxDataBytes,
      1,
    ]);
  });

  it('passes DATA to its reader, and returns the reader when it is full', () => {
    const { machine, reader, told } = open();
    expect(machine.handlePacket(data(1n, 'x'))).toBe(reader);
    expect(told).toEqual(['data x']);
  });

  it('R5: drops DATA without ID or payload', () => {
    const { machine, told, server } = open();
    machine.handlePacket(data(0n, 'x'));
    machine.handlePacket(dataPacket(one, new Uint8Array()));
    expect([told, server.take()]).toEqual([[], []]);
  });

  it('R17: closes connections that are not its own', () => {
    const { machine, told, server } = open();
    machine.handlePacket(data(2n, 'x'));
    expect([told, server.take()]).toEqual([[], ['CLOSE_REQ 2']]);
  });

  it.each([
    ['', 'closed'],
    ['agent connection lost', 'closed agent connection lost'],
  ])('ends with CLOSE_RSP (%j)', (error, expected) => {
    const { machine, told } = open();
    machine.handlePacket(closeResponse(connectId(2n), 'of another'));
    machine.handlePacket(closeResponse(one, error));
    machine.handlePacket(closeResponse(one, error));
    machine.close();
    expect([told, machine.ended]).toEqual([[expected], true]);
  });

  it('R20: closes both directions: CLOSE_REQ, then DATA is dropped, then CLOSE_RSP', () => {
    const { machine, told, server, clock } = open();
    machine.close();
    machine.close();
    expect(server.take()).toEqual(['CLOSE_REQ 1']);
    machine.handlePacket(data(1n, 'late'));
    expect(machine.write(Buffer.from('x'))).toBeUndefined();
    expect(server.take()).toEqual([]);
    machine.handlePacket(closeResponse(one, 'whatever'));
    expect([told, clock.pendingTimers]).toEqual([['closed'], 0]);
  });

  it('ends after 10 s without CLOSE_RSP', () => {
    const { told, clock } = closing();
    clock.advance(10_000);
    expect(told).toEqual(['closed close timeout']);
  });

  it('ends in order when its stream ends while it closes', () => {
    const { machine, told, clock } = closing();
    machine.streamLost('TUNNEL_CLOSED', 'reset');
    expect([told, clock.pendingTimers]).toEqual([['closed'], 0]);
  });

  it.each([
    ['', 'closed tunnel closed'],
    ['reset', 'closed tunnel closed: reset'],
  ])('breaks when its stream ends (%j)', (reason, expected) => {
    const { machine, told } = open();
    machine.streamLost('TUNNEL_CLOSED', reason);
    expect(told).toEqual([expected]);
  });

  it('R2: ignores packets that a server must not send', () => {
    const { machine, told, server } = open();
    const strange: Packet[] = [
      dial(7n),
      closeRequest(one),
      drainPacket,
      answer(7n, 2n),
      dialClose(dialId(7n)),
    ];
    for (const packet of [...strange, { kind: 'UNKNOWN', type: 9 } as const]) machine.handlePacket(packet);
    expect([told, server.take(), machine.connectId]).toEqual([[], [], 1n]);
  });
});

describe('the reader of a connection', () => {
  it('R19: loses the connection when it is full and takes nothing for 10 s', () => {
    const { machine, told, server, reader, clock } = open();
    reader.congested = true;
    machine.handlePacket(data(1n, 'x'));
    clock.advance(10_000);
    expect(told).toEqual(['data x', `closed ${readStallText}`]);
    expect(server.take()).toEqual(['CLOSE_REQ 1']);
    expect(clock.pendingTimers).toBe(0);
  });

  it('R19: may be slow without limit when no limit is set', () => {
    const { clock, reader, machine, told } = open(0);
    reader.congested = true;
    machine.handlePacket(data(1n, 'a'));
    clock.advance(3_600_000);
    expect(told).toEqual(['data a']);
    expect(clock.pendingTimers).toBe(0);
  });

  it('R19: may be slow, and may rest when no bytes wait', () => {
    const { machine, told, reader, clock } = open();
    reader.congested = true;
    machine.handlePacket(data(1n, 'x'));
    for (let round = 0; round < 20; round += 1) {
      clock.advance(9_999);
      reader.takenBytes += 1;
    }
    reader.congested = false;
    clock.advance(60_000);
    expect(told).toEqual(['data x']);
    expect(clock.pendingTimers).toBe(0);
  });

  it('R19: does not delay the close of the connection', () => {
    const { machine, reader, clock } = open();
    reader.congested = true;
    machine.handlePacket(data(1n, 'x'));
    machine.handlePacket(closeResponse(one));
    expect(clock.pendingTimers).toBe(0);
  });
});
