import { describe, expect, it } from 'vitest';
import { agentLostText } from '../../../src/core/dial-texts.js';
import { type FaithfulName, type FaithfulSet, faithfulSet } from '../../../src/core/faithful.js';
import {
  closeRequest,
  connectId,
  dataPacket,
  dialClose,
  dialId,
  drainPacket,
} from '../../../src/core/packet.js';
import { defaultBackendDialTimeoutMs } from '../../../src/server/options.js';
import { answer, data, dial, ServerBench } from '../../support/server-bench.js';

/** A server with a switch on, and one without. */
const both = (name: FaithfulName): { on: ServerBench; off: ServerBench } => ({
  on: new ServerBench(20_000, ['default'], [name]),
  off: new ServerBench(),
});

describe('head-of-line-blocking', () => {
  const stall = (bench: ServerBench) => {
    const { frontend, agent } = bench.connected();
    frontend.port.congested = true;
    const full = agent.send(data(1n, 'x'));
    bench.clock.advance(10 * 60_000);
    return {
      cancelled: frontend.port.cancelled,
      stillFull: full === frontend.port && frontend.port.congested,
    };
  };

  it('a frontend that reads nothing blocks all connections; without it the frontend is cut', () => {
    const { on, off } = both('head-of-line-blocking');
    expect(stall(on)).toEqual({ cancelled: 0, stillFull: true });
    expect(stall(off)).toMatchObject({ cancelled: 1 });
  });
});

describe('no-dial-timeout', () => {
  const wait = (faithful: FaithfulSet): string[] => {
    const bench = new ServerBench(defaultBackendDialTimeoutMs(faithful));
    bench.agent();
    const frontend = bench.frontend();
    frontend.send(dial(7n));
    bench.clock.advance(24 * 3_600_000);
    return frontend.port.take();
  };

  it('an agent may leave a dial unanswered for ever; without it the dial fails', () => {
    expect(wait(faithfulSet({}))).toEqual([]);
    expect(wait(faithfulSet({ as: 'ideal' }))).toEqual(['DIAL_RSP 7 timed out waiting for backend dial']);
  });
});

/** Two streams of one agent ID. Each has a connection 1, of different frontends. */
function colliding(bench: ServerBench) {
  const second = bench.agent('a', ['second']);
  const first = bench.agent('a', ['first']);
  const ends = [first, second].map((agent, index) => {
    const frontend = bench.frontend(`f${index}`);
    frontend.send(dial(BigInt(index + 1), `${index === 0 ? 'first' : 'second'}:1`));
    agent.send(answer(BigInt(index + 1), 1n));
    frontend.port.take();
    agent.port.take();
    return { agent, frontend };
  });
  return { one: ends[0], other: ends[1] };
}

const keyed = (...names: FaithfulName[]): ServerBench => new ServerBench(20_000, ['destHost'], names);

describe('key-by-agent-id', () => {
  const cross = (bench: ServerBench) => {
    const { one, other } = colliding(bench);
    one?.agent.send(data(1n, 'for one'));
    return { one: one?.frontend.port.take(), other: other?.frontend.port.take() };
  };

  it('data of one stream goes to the frontend of another; without it each frontend gets its own', () => {
    expect(cross(keyed('key-by-agent-id'))).toEqual({ one: [], other: ['DATA 1 for one'] });
    expect(cross(keyed())).toEqual({ one: ['DATA 1 for one'], other: [] });
  });

  it('bytes of the frontend that lost its place are still passed on, and its connection leaks', () => {
    const bench = keyed('key-by-agent-id');
    const { one, other } = colliding(bench);
    one?.frontend.send(data(1n, 'still'));
    expect(one?.agent.port.take()).toEqual(['DATA 1 still']);
    one?.frontend.close();
    expect(one?.agent.port.take()).toEqual([]);
    expect(bench.machine.state().established).toBe(1);
    other?.frontend.close();
    expect(other?.agent.port.take()).toEqual(['CLOSE_REQ 1']);
    expect(bench.machine.state().established).toBe(0);
  });
});

describe('teardown-by-agent-id', () => {
  const end = (bench: ServerBench): string[] | undefined => {
    const { one, other } = colliding(bench);
    one?.agent.close();
    return other?.frontend.port.take();
  };

  it('ends the connections of all streams of the agent; without it those of the one', () => {
    expect(end(keyed('teardown-by-agent-id'))).toEqual([`CLOSE_RSP 1 ${agentLostText}`]);
    expect(end(keyed())).toEqual([]);
  });
});

describe('pending-dials-lost-with-agent', () => {
  const lose = (bench: ServerBench): string[] => {
    const agent = bench.agent();
    const frontend = bench.frontend();
    frontend.send(dial(7n));
    agent.close();
    return frontend.port.take();
  };

  it('a gRPC frontend is not told that its agent is lost; without it the dial fails at once', () => {
    const { on, off } = both('pending-dials-lost-with-agent');
    expect(lose(on)).toEqual([]);
    on.clock.advance(20_000);
    expect(on.told).toContain('failed 7 backend_dial_timeout');
    expect(lose(off)).toEqual([`DIAL_RSP 7 ${agentLostText}`]);
  });
});

describe('dial-cancel-ignored', () => {
  const cancel = (bench: ServerBench): string[] => {
    const agent = bench.agent();
    const frontend = bench.frontend();
    frontend.send(dial(7n));
    agent.port.take();
    frontend.send(dialClose(dialId(7n)));
    agent.send(answer(7n, 1n));
    return agent.port.take();
  };

  it('the agent continues the dial, and the connection is closed; without it the agent is told at once', () => {
    const { on, off } = both('dial-cancel-ignored');
    expect(cancel(on)).toEqual(['CLOSE_REQ 1']);
    expect(cancel(off)).toEqual(['DIAL_CLS 7', 'CLOSE_REQ 1']);
  });
});

describe('dial-cancel-race-leak', () => {
  const cross = (bench: ServerBench): string[] => {
    const { frontend, agent } = bench.connected();
    frontend.send(dialClose(dialId(7n)));
    return agent.port.take();
  };

  it('a connection whose DIAL_CLS came too late stays open; without it the connection is closed', () => {
    const { on, off } = both('dial-cancel-race-leak');
    expect(cross(on)).toEqual([]);
    expect(on.machine.state().established).toBe(1);
    expect(cross(off)).toEqual(['CLOSE_REQ 1']);
  });
});

describe('any-connection-id', () => {
  const intrude = (bench: ServerBench): string[] => {
    const { agent } = bench.connected();
    const intruder = bench.frontend('g');
    intruder.send(dial(8n));
    agent.send(answer(8n, 2n));
    agent.port.take();
    intruder.send(data(1n, 'not mine'));
    intruder.send(closeRequest(connectId(1n)));
    return agent.port.take();
  };

  it('a frontend may write to and close connections of others; without it these packets are dropped', () => {
    const { on, off } = both('any-connection-id');
    expect(intrude(on)).toEqual(['DATA 1 not mine', 'CLOSE_REQ 1']);
    expect(intrude(off)).toEqual([]);
  });
});

describe('stopped-stream-never-ended', () => {
  const linger = (bench: ServerBench): number => {
    const { frontend, agent } = bench.connected();
    agent.close();
    bench.clock.advance(3_600_000);
    return frontend.port.finished;
  };

  it('leaves the stream of an ended connection open; without it the server ends it', () => {
    const { on, off } = both('stopped-stream-never-ended');
    expect(linger(on)).toBe(0);
    expect(linger(off)).toBe(1);
  });
});

describe('drain-ignored', () => {
  const drained = (bench: ServerBench): number => {
    const draining = bench.agent('a');
    bench.agent('b');
    draining.send(drainPacket);
    for (let id = 1n; id <= 40n; id++) bench.frontend(`f${id}`).send(dial(id));
    return draining.port.take().length;
  };

  it('a draining agent gets dials; without it other agents get them', () => {
    const { on, off } = both('drain-ignored');
    expect(drained(on)).toBeGreaterThan(0);
    expect(drained(off)).toBe(0);
  });
});

describe('close-without-reason', () => {
  const cut = (bench: ServerBench): string[] => {
    const { frontend, agent } = bench.connected();
    agent.close();
    return frontend.port.take();
  };

  it('ends a cut connection like a complete one; without it the CLOSE_RSP says why', () => {
    const { on, off } = both('close-without-reason');
    expect(cut(on)).toEqual(['CLOSE_RSP 1']);
    expect(cut(off)).toEqual([`CLOSE_RSP 1 ${agentLostText}`]);
  });
});

describe('empty-data-forwarded', () => {
  const empty = dataPacket(connectId(1n), new Uint8Array());
  const pass = (bench: ServerBench): string[][] => {
    const { frontend, agent } = bench.connected();
    agent.send(empty);
    frontend.send(empty);
    return [frontend.port.take(), agent.port.take()];
  };

  it('passes DATA without bytes on, both ways; without it they are dropped', () => {
    const { on, off } = both('empty-data-forwarded');
    expect(pass(on)).toEqual([['DATA 1 '], ['DATA 1 ']]);
    expect(pass(off)).toEqual([[], []]);
  });
});
