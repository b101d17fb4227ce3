import { describe, expect, it } from 'vitest';
import { AgentMachine, createConnectIds } from '../../../src/core/agent/machine.js';
import { TunnelMachine } from '../../../src/core/client/machine.js';
import { ManualClock } from '../../../src/core/clock.js';
import {
  closeRequest,
  closeResponse,
  connectId,
  dialClose,
  dialId,
  dialRequest,
  type Packet,
} from '../../../src/core/packet.js';
import { maxUnreadAnswers, UnreadAnswers } from '../../../src/core/unread-answers.js';
import { RecordingPort } from '../../support/recording-port.js';
import { answer, data, dial, ServerBench } from '../../support/server-bench.js';

/** Sends `packet` again and again, as drivers do: until what was handed back is too full. */
function sendsUntilHeld(port: RecordingPort, handle: () => unknown): number {
  port.congested = true;
  for (let sends = 1; sends <= 3 * maxUnreadAnswers; sends += 1) if (handle() === port) return sends;
  return Number.POSITIVE_INFINITY;
}

function agentMachine(server: RecordingPort): AgentMachine {
  const ignore = (): void => undefined;
  return new AgentMachine({
    clock: new ManualClock(),
    server,
    nextConnectId: createConnectIds(),
    dialTimeoutMs: 5000,
    observer: {
      ...{ packet: ignore, dialStarted: ignore, dialSucceeded: ignore, dialFailed: ignore },
      endpointClosed: ignore,
    },
    openEndpoint: () => ({
      ...{ congested: false, takenBytes: 0, write: ignore, finish: ignore, destroy: ignore },
      whenClear: ignore,
    }),
  });
}

function clientMachine(server: RecordingPort): TunnelMachine {
  const ignore = (): undefined => undefined;
  const user = { established: ignore, failed: ignore, data: ignore, closed: ignore, packet: ignore };
  const timeouts = { dialTimeoutMs: 30_000, closeTimeoutMs: 10_000, readTimeoutMs: 0 };
  const machine = new TunnelMachine({
    ...{ clock: new ManualClock(), server, user, dialId: dialId(7n), address: 'a:1', ...timeouts },
  });
  machine.dial();
  return machine;
}

const strayPackets: readonly [string, Packet][] = [
  ['DATA for no connection', data(9n, 'x')],
  ['CLOSE_REQ for no connection', closeRequest(connectId(9n))],
  ['DIAL_REQ for UDP', { ...dialRequest('a:1', dialId(1n)), protocol: 'udp' }],
  ['DIAL_REQ', dial(1n)],
];

describe('R22: a peer that is answered and does not read', () => {
  it.each(strayPackets)('is not read any more by an agent to which it sends %s', (_what, packet) => {
    const server = new RecordingPort();
    const machine = agentMachine(server);
    expect(sendsUntilHeld(server, () => machine.handlePacket(packet))).toBeLessThanOrEqual(
      maxUnreadAnswers + 1,
    );
  });

  it('is not read any more by a client to which it sends DATA without a connection', () => {
    const server = new RecordingPort();
    const machine = clientMachine(server);
    const sends = sendsUntilHeld(server, () => machine.handlePacket(data(9n, 'x')));
    expect(sends).toBeLessThanOrEqual(maxUnreadAnswers + 1);
  });

  it.each([
    ['DATA for no connection', data(9n, 'x')],
    ['DIAL_RSP for no dial', answer(9n, 9n)],
  ])('is not read on by a server to which it, an agent, sends %s', (_what, packet) => {
    const bench = new ServerBench();
    const agent = bench.agent();
    expect(sendsUntilHeld(agent.port, () => agent.send(packet))).toBeLessThanOrEqual(maxUnreadAnswers + 1);
  });

  it('is still read while few answers wait, or when it reads them', () => {
    const port = new RecordingPort();
    const unreadAnswers = new UnreadAnswers(port);
    for (let round = 0; round < 5; round += 1) {
      port.congested = true;
      for (let owed = 0; owed < maxUnreadAnswers; owed += 1) expect(unreadAnswers.add()).toBeUndefined();
      port.congested = false;
      expect(unreadAnswers.add()).toBeUndefined();
    }
  });
});

describe('R12: connections of one ID on two agents, one after the other on one frontend stream', () => {
  it('the late end of the first does not remove the second from its frontend', () => {
    const bench = new ServerBench(20_000, ['destHost']);
    const [first, second] = [bench.agent('a', ['a']), bench.agent('b', ['b'])];
    const frontend = bench.frontend();
    frontend.send(dial(1n, 'a:1'));
    first.send(answer(1n, 5n));
    frontend.send(dialClose(dialId(1n)));
    frontend.send(dial(2n, 'b:1'));
    second.send(answer(2n, 5n));
    first.send(closeResponse(connectId(5n)));
    second.port.take();
    frontend.send(data(5n, 'x'));
    expect(second.port.take()).toEqual(['DATA 5 x']);
    frontend.close();
    expect(second.port.take()).toEqual(['CLOSE_REQ 5']);
    expect(bench.left()).toEqual([0, 0, 0]);
  });
});
