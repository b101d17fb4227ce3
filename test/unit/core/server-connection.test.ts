import { describe, expect, it } from 'vitest';
import {
  closeRequest,
  closeResponse,
  connectId,
  dataPacket,
  dialFailure,
  dialId,
  drainPacket,
  type Packet,
} from '../../../src/core/packet.js';
import { lingerMs } from '../../../src/core/server/frontend.js';
import { stallPatienceMs } from '../../../src/core/stall-guard.js';
import { answer, data, dial, ServerBench } from '../../support/server-bench.js';

const one = connectId(1n);
const unknown: Packet = { kind: 'UNKNOWN', type: 9 };

describe('a connection at the server', () => {
  it('carries DATA both ways, R3: as the packets that came in', () => {
    const bench = new ServerBench();
    const { frontend, agent } = bench.connected();
    const up = data(1n, 'up');
    const down = data(1n, 'down');
    frontend.send(up);
    agent.send(down);
    expect(agent.port.sent).toEqual([up]);
    expect(agent.port.sent[0]).toBe(up);
    expect(frontend.port.sent[0]).toBe(down);
  });

  it('R5: drops DATA without connection ID or payload, from both sides', () => {
    const bench = new ServerBench();
    const { frontend, agent } = bench.connected();
    for (const end of [frontend, agent]) {
      end.send(data(0n, 'x'));
      end.send(dataPacket(one, new Uint8Array()));
    }
    expect([...agent.port.take(), ...frontend.port.take()]).toEqual([]);
    frontend.send(data(1n, 'the ID 0 was not claimed'));
    expect(agent.port.take()).toHaveLength(1);
  });

  it('R2: ignores packets that their sender must not send', () => {
    const bench = new ServerBench();
    const { frontend, agent } = bench.connected();
    for (const packet of [closeResponse(one), answer(7n, 1n), drainPacket, unknown]) frontend.send(packet);
    for (const packet of [dial(3n), closeRequest(one), unknown]) agent.send(packet);
    expect([...agent.port.take(), ...frontend.port.take()]).toEqual([]);
    expect(bench.left()).toEqual([0, 1, 0]);
  });

  it('R22: returns the queue that got a packet, so that its source can be paused', () => {
    const bench = new ServerBench();
    const { frontend, agent } = bench.connected();
    expect(frontend.send(data(1n, 'x'))).toBe(agent.port);
    expect(agent.send(data(1n, 'x'))).toBe(frontend.port);
    expect(frontend.send(data(1n, 'x'))).toBe(agent.port);
  });

  it('R22: a frontend that gets errors is paused by its own unread answers', () => {
    const bench = new ServerBench();
    bench.agent();
    const frontend = bench.frontend();
    frontend.send(dial(7n));
    expect(frontend.send(data(5n, 'x'))).toBe(frontend.port);
    expect(frontend.port.take()).toEqual(['CLOSE_RSP 5 unrecognized connectID']);
  });

  it('R18: is closed by the frontend: CLOSE_REQ is passed on, CLOSE_RSP comes back, R9: and the stream is stopped', () => {
    const bench = new ServerBench();
    const { frontend, agent } = bench.connected();
    const request = closeRequest(one);
    frontend.send(request);
    expect(agent.port.sent).toEqual([request]);
    expect(agent.port.sent[0]).toBe(request);
    agent.port.take();
    frontend.send(data(1n, 'late'));
    expect(agent.port.take()).toEqual([]);
    agent.send(data(1n, 'last words'));
    agent.send(closeResponse(one));
    expect(frontend.port.take()).toEqual(['DATA 1 last words', 'CLOSE_RSP 1']);
    expect(bench.told.at(-1)).toBe('closed 1 frontend');
    frontend.close();
    expect(bench.left()).toEqual([0, 0, 0]);
  });

  it('is closed by the agent, R9: and the stream is stopped', () => {
    const bench = new ServerBench();
    const { frontend, agent } = bench.connected();
    agent.send(closeResponse(one, 'gone'));
    agent.send(closeResponse(one, 'again'));
    expect(frontend.port.take()).toEqual(['CLOSE_RSP 1 gone']);
    frontend.send(data(1n, 'x'));
    frontend.send(closeRequest(one));
    expect(agent.port.take()).toEqual([]);
    expect(bench.told.at(-1)).toBe('closed 1 agent');
  });

  it('R10: is closed at the agent when the frontend stream ends, and late DATA is dropped', () => {
    const bench = new ServerBench();
    const { frontend, agent } = bench.connected();
    frontend.close();
    expect(agent.port.take()).toEqual(['CLOSE_REQ 1']);
    agent.send(data(1n, 'late'));
    agent.send(closeResponse(one));
    expect([...agent.port.take(), ...frontend.port.take()]).toEqual([]);
    expect(bench.told.filter((text) => text.startsWith('closed'))).toEqual(['closed 1 frontend_lost']);
    expect(bench.left()).toEqual([0, 0, 0]);
    agent.send(data(1n, 'after the end'));
    expect(agent.port.take()).toEqual(['CLOSE_REQ 1']);
  });

  it('R11: ends with a reason when the agent stream ends', () => {
    const bench = new ServerBench();
    const { frontend, agent } = bench.connected();
    agent.close();
    agent.close();
    expect(frontend.port.take()).toEqual(['CLOSE_RSP 1 agent connection lost']);
    expect(bench.told.at(-1)).toBe('closed 1 agent_lost');
    frontend.close();
    expect(bench.left()).toEqual([0, 0, 0]);
  });

  it('ends when the agent uses its ID for another connection', () => {
    const bench = new ServerBench();
    const { frontend, agent } = bench.connected();
    const second = bench.frontend('second');
    second.send(dial(8n));
    agent.send(answer(8n, 1n));
    expect(frontend.port.take()).toEqual(['CLOSE_RSP 1 the agent gave the connection ID away']);
    agent.send(data(1n, 'for the second'));
    expect(second.port.take()).toEqual(['DIAL_RSP 8 ok 1', 'DATA 1 for the second']);
    expect(frontend.port.take()).toEqual([]);
    expect(bench.left()[1]).toBe(1);
  });
});

describe('a frontend that breaks the rules', () => {
  it('R9: is told that it has no backend when it sends DATA first, and is stopped', () => {
    const bench = new ServerBench();
    bench.agent();
    const frontend = bench.frontend();
    frontend.send(data(4n, 'x'));
    expect(frontend.port.take()).toEqual(['CLOSE_RSP 4 backend not initialized']);
    frontend.send(dial(7n));
    expect(bench.left()[0]).toBe(0);
  });

  it('R18: is answered when it closes before it dials, and may continue', () => {
    const bench = new ServerBench();
    bench.agent();
    const frontend = bench.frontend();
    frontend.send(closeRequest(connectId(4n)));
    expect(frontend.port.take()).toEqual(['CLOSE_RSP 4 backend uninitialized']);
    frontend.send(dial(7n));
    expect(bench.left()[0]).toBe(1);
  });

  it('R8: loses both connections when it uses a second connect ID, and the agent is told only about its own', () => {
    const bench = new ServerBench();
    const { frontend, agent } = bench.connected();
    frontend.send(data(1n, 'mine'));
    agent.port.take();
    frontend.send(data(2n, 'not mine'));
    expect(agent.port.take()).toEqual(['CLOSE_REQ 1']);
    expect(frontend.port.take()).toEqual([
      'CLOSE_RSP 1 mismatched connection IDs',
      'CLOSE_RSP 2 mismatched connection IDs',
    ]);
    expect(bench.told.at(-1)).toBe('closed 1 mismatch');
    expect(bench.left()[1]).toBe(0);
  });

  it.each([
    ['feed', data(1n, 'evil')],
    ['close', closeRequest(one)],
  ])('R17: cannot %s the connection of another frontend', (_verb, packet) => {
    const bench = new ServerBench();
    const { frontend, agent } = bench.connected();
    const other = bench.frontend('other');
    other.send(dial(8n));
    agent.port.take();
    other.send(packet);
    expect(agent.port.take()).toEqual([]);
    expect(other.port.take()).toHaveLength(1);
    frontend.send(data(1n, 'fine'));
    expect(agent.port.take()).toEqual(['DATA 1 fine']);
  });
});

describe('a frontend that holds others up', () => {
  it('R19: is ended by the server when it leaves a stopped stream open, and cut when that does not help', () => {
    const bench = new ServerBench();
    const { frontend, agent } = bench.connected();
    agent.send(closeResponse(one));
    bench.clock.advance(lingerMs - 1);
    expect(frontend.port.finished).toBe(0);
    bench.clock.advance(1);
    expect([frontend.port.finished, frontend.port.cancelled]).toEqual([1, 0]);
    frontend.port.takenBytes += 1;
    bench.clock.advance(stallPatienceMs);
    expect(frontend.port.cancelled).toBe(0);
    bench.clock.advance(stallPatienceMs);
    expect(frontend.port.cancelled).toBe(1);
    frontend.close();
    expect(bench.left()).toEqual([0, 0, 0]);
  });

  it('R19: has its pending dial cancelled at that end', () => {
    const bench = new ServerBench(0);
    const agent = bench.agent();
    const frontend = bench.frontend();
    frontend.send(dial(7n));
    frontend.send(closeRequest(connectId(0n)));
    agent.port.take();
    bench.clock.advance(lingerMs + stallPatienceMs);
    expect(frontend.port.cancelled).toBe(1);
    expect(agent.port.take()).toEqual(['DIAL_CLS 7']);
    expect(bench.left()).toEqual([0, 0, 0]);
  });

  it('R19: is cut when it takes nothing of a full queue for 30 s', () => {
    const bench = new ServerBench();
    const { frontend, agent } = bench.connected();
    frontend.port.congested = true;
    agent.send(data(1n, 'x'));
    bench.clock.advance(stallPatienceMs);
    expect(frontend.port.cancelled).toBe(1);
    expect(agent.port.take()).toEqual(['CLOSE_REQ 1']);
    expect(bench.told.at(-1)).toBe('closed 1 frontend_stalled');
    expect(bench.left()).toEqual([0, 0, 0]);
  });

  it('R19: may be as slow as it likes while it takes something', () => {
    const bench = new ServerBench();
    const { frontend, agent } = bench.connected();
    frontend.port.congested = true;
    agent.send(data(1n, 'x'));
    for (let round = 0; round < 50; round += 1) {
      frontend.port.takenBytes += 1;
      bench.clock.advance(stallPatienceMs);
    }
    expect(frontend.port.cancelled).toBe(0);
    frontend.port.clear();
    bench.clock.advance(stallPatienceMs);
    expect(bench.left()).toEqual([0, 1, 0]);
  });

  it('R19: leaves no timer when it ends by itself', () => {
    const bench = new ServerBench();
    const { frontend, agent } = bench.connected();
    frontend.port.congested = true;
    agent.send(data(1n, 'x'));
    agent.send(closeResponse(one));
    expect(bench.clock.pendingTimers).toBe(2);
    frontend.close();
    expect(bench.clock.pendingTimers).toBe(0);
  });
});

describe('the state of a server', () => {
  it('counts streams and what each strategy can choose from', () => {
    const bench = new ServerBench(0, ['destHost', 'default']);
    const { frontend, agent } = bench.connected();
    expect(bench.machine.state()).toEqual({
      frontends: 1,
      backends: 1,
      pendingDials: 0,
      established: 1,
      stalledFrontends: 0,
      readyBackends: [
        { strategy: 'destHost', size: 0 },
        { strategy: 'default', size: 1 },
      ],
    });
    frontend.close();
    agent.send(dialFailure(dialId(1n), ''));
    agent.close();
    expect(bench.machine.state()).toMatchObject({ frontends: 0, backends: 0, established: 0 });
  });
});
