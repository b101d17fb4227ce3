import { describe, expect, it } from 'vitest';
import { AgentMachine, createConnectIds } from '../../../src/core/agent/machine.js';
import { ManualClock } from '../../../src/core/clock.js';
import { extensionsOf } from '../../../src/core/extensions.js';
import { hurriedRoundMs, roundMs } from '../../../src/core/held-rounds.js';
import {
  type ConnectId,
  closeRequest,
  closeResponse,
  connectId,
  heldPacket,
  maxHeldIds,
  noConnection,
  unrecognizedText,
} from '../../../src/core/packet.js';
import { onlyAgentText, onlyServerText, unansweredText } from '../../../src/core/server/held.js';
import { RecordingPort } from '../../support/recording-port.js';
import { answer, data, dial, ServerBench } from '../../support/server-bench.js';

const one = connectId(1n);
const ids = (...numbers: number[]): ConnectId[] => numbers.map((number) => connectId(BigInt(number)));

class AgentBench {
  readonly clock = new ManualClock();
  readonly server = new RecordingPort();
  readonly machine: AgentMachine;

  constructor(agreed = true) {
    this.machine = new AgentMachine({
      ...{ clock: this.clock, server: this.server, nextConnectId: createConnectIds(), dialTimeoutMs: 5000 },
      observer: {
        ...{ packet: () => undefined, dialStarted: () => undefined, dialSucceeded: () => undefined },
        ...{ dialFailed: () => undefined, endpointClosed: () => undefined },
      },
      openEndpoint: () => ({
        ...{ write: () => undefined, finish: () => undefined, destroy: () => undefined },
        ...{ congested: false, takenBytes: 0, whenClear: () => undefined },
      }),
    });
    if (agreed) this.machine.agreeOnIds();
  }

  /** Opens connections with the next connect IDs. */
  open(count = 1): void {
    for (let more = count; more > 0; more -= 1) {
      this.machine.handlePacket(dial(BigInt(more)));
      const endpoint = [...this.machine.endpoints.values()].at(-1);
      if (endpoint !== undefined) this.machine.dialSucceeded(endpoint);
    }
    this.server.take();
  }
}

describe('R31: questions for quiet connections', () => {
  it('are for ideal parts that are not to have the fault', () => {
    expect(extensionsOf({ as: 'ideal' })).toEqual(['fc1', 'ids1']);
    expect(extensionsOf({ as: 'ideal', faithful: ['lost-close-unnoticed'] })).toEqual(['fc1']);
    expect(extensionsOf({ as: 'ideal', faithful: ['head-of-line-blocking'] })).toEqual(['ids1']);
    expect(extensionsOf({ as: 'real' })).toEqual([]);
  });

  it('are neither asked nor answered by an agent without an agreement', () => {
    const bench = new AgentBench(false);
    bench.open();
    bench.machine.handlePacket(heldPacket(ids(1, 9)));
    expect([bench.clock.pendingTimers, bench.server.take()]).toEqual([0, []]);
  });

  it('are neither asked nor answered by a server without an agreement', () => {
    const bench = new ServerBench(0);
    const { agent } = bench.connected();
    agent.send(heldPacket(ids(1, 9)));
    agent.send(closeResponse(one, unrecognizedText));
    expect([agent.port.take(), bench.told.at(-1), bench.clock.pendingTimers]).toEqual([
      [],
      'closed 1 agent',
      1,
    ]);
  });
});

describe('R32: an agent', () => {
  it('names the connections that were quiet since it last looked', () => {
    const bench = new AgentBench();
    bench.open(3);
    bench.clock.advance(roundMs);
    expect(bench.server.take()).toEqual([]);
    bench.machine.handlePacket(data(2n, 'x'));
    bench.clock.advance(roundMs);
    expect(bench.server.take()).toEqual(['HELD 1 3']);
    bench.clock.advance(roundMs);
    expect(bench.server.take()).toEqual(['HELD 1 2 3']);
  });

  it('names no dial, and looks no more when it has no connection', () => {
    const bench = new AgentBench();
    bench.open();
    bench.machine.handlePacket(dial(8n));
    bench.machine.handlePacket(closeRequest(one));
    bench.server.take();
    bench.clock.advance(2 * roundMs);
    expect(bench.server.take().filter((text) => text.startsWith('HELD'))).toEqual([]);
    expect(bench.clock.pendingTimers).toBe(0);
  });

  it('names many in several packets, and none while the stream is full', () => {
    const bench = new AgentBench();
    bench.open(2 * maxHeldIds + 1);
    bench.clock.advance(roundMs);
    bench.server.congested = true;
    bench.clock.advance(roundMs);
    expect(bench.server.sent).toEqual([]);
    bench.server.congested = false;
    bench.clock.advance(roundMs);
    const named = bench.server.sent.map((packet) => (packet.kind === 'HELD' ? packet.connectIds.length : 0));
    expect(named).toEqual([maxHeldIds, maxHeldIds, 1]);
  });

  it('closes what it does not hold, R33: and looks at once, but not twice within a second', () => {
    const bench = new AgentBench();
    bench.open(2);
    bench.clock.advance(roundMs + hurriedRoundMs);
    bench.machine.handlePacket(heldPacket([noConnection, ...ids(1, 9, 2)]));
    expect(bench.server.take()).toEqual([`CLOSE_RSP 9 ${unrecognizedText}`, 'HELD 1 2']);
    bench.machine.handlePacket(heldPacket(ids(9)));
    expect(bench.server.take()).toEqual([`CLOSE_RSP 9 ${unrecognizedText}`]);
    bench.machine.handlePacket(heldPacket(ids(1, 2)));
    expect(bench.server.take()).toEqual([]);
    expect(bench.machine.endpoints.size).toBe(2);
  });

  it('R22: reads no more when its answers are not read', () => {
    const bench = new AgentBench();
    bench.open();
    bench.server.congested = true;
    const many = heldPacket(Array.from({ length: maxHeldIds }, () => connectId(9n)));
    expect(bench.machine.handlePacket(many)).toBe(undefined);
    expect(bench.machine.handlePacket(many)).toBe(bench.server);
  });

  it('looks no more when its server is lost', () => {
    const bench = new AgentBench();
    bench.open();
    bench.machine.serverLost();
    expect(bench.clock.pendingTimers).toBe(0);
  });
});

describe('R32: a server', () => {
  it('names the connections that were quiet since it last looked', () => {
    const bench = new ServerBench(0);
    const { frontend, agent } = bench.connected(true);
    bench.clock.advance(roundMs);
    frontend.send(data(1n, 'x'));
    agent.port.take();
    bench.clock.advance(roundMs);
    expect(agent.port.take()).toEqual([]);
    bench.clock.advance(roundMs);
    expect(agent.port.take()).toEqual(['HELD 1']);
  });

  it('closes what it does not hold, and says so, R33: and looks at once', () => {
    const bench = new ServerBench(0);
    const { agent } = bench.connected(true);
    bench.clock.advance(roundMs + hurriedRoundMs);
    agent.send(heldPacket([noConnection, ...ids(1, 9)]));
    expect(agent.port.take()).toEqual(['CLOSE_REQ 9', 'HELD 1']);
    expect(bench.told.at(-1)).toBe(`stale 9 ${onlyAgentText}`);
  });

  it('says so when the agent does not hold what it holds, and ends it with the text of the agent', () => {
    const bench = new ServerBench(0);
    const { frontend, agent } = bench.connected(true);
    agent.send(closeResponse(one, unrecognizedText));
    expect(bench.told.slice(-2)).toEqual([`stale 1 ${onlyServerText}`, 'closed 1 agent']);
    expect(frontend.port.take()).toEqual([`CLOSE_RSP 1 ${unrecognizedText}`]);
  });

  it('R33: looks at once after DATA of a connection that it does not know', () => {
    const bench = new ServerBench(0);
    const { agent } = bench.connected(true);
    bench.clock.advance(roundMs + hurriedRoundMs);
    agent.send(data(9n, 'x'));
    expect(agent.port.take()).toEqual(['HELD 1', 'CLOSE_REQ 9']);
  });

  it('R33: sends a CLOSE_REQ again that has had no answer for 30 s', () => {
    const bench = new ServerBench(0);
    const { frontend, agent } = bench.connected(true);
    frontend.close();
    bench.clock.advance(roundMs - 1);
    agent.send(heldPacket(ids(1)));
    expect(agent.port.take()).toEqual(['CLOSE_REQ 1']);
    bench.clock.advance(1);
    expect(agent.port.take()).toEqual(['CLOSE_REQ 1']);
    expect(bench.told.at(-1)).toBe(`stale 1 ${unansweredText}`);
    agent.send(closeResponse(one, 'Unknown connectID'));
    bench.clock.advance(roundMs);
    expect([agent.port.take(), bench.left()]).toEqual([[], [0, 0, 0]]);
  });

  it('looks no more when its agent is lost', () => {
    const bench = new ServerBench(0);
    const { frontend, agent } = bench.connected(true);
    agent.close();
    frontend.close();
    expect(bench.left()).toEqual([0, 0, 0]);
  });

  it('R12: names a connection only to the stream that it is on, though streams share their table', () => {
    const bench = new ServerBench(0, ['destHost'], ['key-by-agent-id']);
    const agents = ['x', 'y'].map((name) => bench.agent('a', [name], false, true));
    agents.forEach((agent, index) => {
      bench.frontend().send(dial(7n, `${'xy'[index]}:1`));
      agent.send(answer(7n, BigInt(index + 1)));
      agent.port.take();
    });
    bench.clock.advance(2 * roundMs);
    expect(agents.map(({ port }) => port.take())).toEqual([['HELD 1'], ['HELD 2']]);
  });
});
