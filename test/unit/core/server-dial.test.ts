import { describe, expect, it } from 'vitest';
import { connectId, dialClose, dialFailure, dialId, drainPacket } from '../../../src/core/packet.js';
import { answer, data, dial, ServerBench } from '../../support/server-bench.js';

describe('a dial at the server', () => {
  it('goes to an agent, its answer goes back, and the connection is open', () => {
    const bench = new ServerBench();
    const agent = bench.agent();
    const frontend = bench.frontend();
    frontend.send(dial(7n));
    expect(agent.port.take()).toEqual(['DIAL_REQ 7 10.0.0.1:10250']);
    expect(bench.left()).toEqual([1, 0, 1]);
    agent.send(answer(7n, 1n));
    expect(frontend.port.take()).toEqual(['DIAL_RSP 7 ok 1']);
    expect(bench.left()).toEqual([0, 1, 0]);
    expect(bench.told).toEqual(['started 7', 'established 7 1']);
  });

  it('R3: is passed on as the object that came in, and so is its answer', () => {
    const bench = new ServerBench();
    const agent = bench.agent();
    const frontend = bench.frontend();
    const request = dial(7n);
    const response = answer(7n, 1n);
    frontend.send(request);
    agent.send(response);
    expect(agent.port.sent[0]).toBe(request);
    expect(frontend.port.sent[0]).toBe(response);
  });

  it('R14: is refused without an agent, and R9: the stream is then only read and discarded', () => {
    const bench = new ServerBench();
    const frontend = bench.frontend();
    frontend.send(dial(7n));
    expect(frontend.port.take()).toEqual(['DIAL_RSP 7 No agent available']);
    bench.agent();
    frontend.send(dial(8n));
    expect(frontend.port.take()).toEqual([]);
    expect(bench.told).toEqual(['failed 7 no_agent']);
    frontend.close();
    expect(bench.left()).toEqual([0, 0, 0]);
  });

  it('ends with the error of the agent', () => {
    const bench = new ServerBench();
    const agent = bench.agent();
    const frontend = bench.frontend();
    frontend.send(dial(7n));
    agent.send(dialFailure(dialId(7n), 'connection refused'));
    expect(frontend.port.take()).toEqual(['DIAL_RSP 7 connection refused']);
    expect(bench.told.at(-1)).toBe('failed 7 error_response');
    expect(bench.left()).toEqual([0, 0, 0]);
  });

  it('fails when the agent answers without a connect ID', () => {
    const bench = new ServerBench();
    const agent = bench.agent();
    const frontend = bench.frontend();
    frontend.send(dial(7n));
    agent.send(answer(7n, 0n));
    expect(frontend.port.take()).toEqual(['DIAL_RSP 7 the agent answered the dial without a connection ID']);
    expect(bench.left()).toEqual([0, 0, 0]);
  });

  it('R14: ends at its deadline, R7: and a later answer is closed', () => {
    const bench = new ServerBench(20_000);
    const agent = bench.agent();
    const frontend = bench.frontend();
    frontend.send(dial(7n));
    agent.port.take();
    bench.clock.advance(19_999);
    expect(frontend.port.take()).toEqual([]);
    bench.clock.advance(1);
    expect(frontend.port.take()).toEqual(['DIAL_RSP 7 timed out waiting for backend dial']);
    expect(agent.port.take()).toEqual(['DIAL_CLS 7']);
    agent.send(answer(7n, 1n));
    expect(agent.port.take()).toEqual(['CLOSE_REQ 1']);
    expect(bench.told).toEqual(['started 7', 'failed 7 backend_dial_timeout', 'unrecognized 7']);
    expect(bench.left()).toEqual([0, 0, 0]);
  });

  it('waits without limit when the server has none', () => {
    const bench = new ServerBench(0);
    bench.agent();
    bench.frontend().send(dial(7n));
    bench.clock.advance(1e9);
    expect(bench.left()).toEqual([1, 0, 0]);
  });

  it('R7: is cancelled by DIAL_CLS, which is passed on to the agent', () => {
    const bench = new ServerBench();
    const agent = bench.agent();
    const frontend = bench.frontend();
    frontend.send(dial(7n));
    agent.port.take();
    frontend.send(dialClose(dialId(7n)));
    expect(agent.port.take()).toEqual(['DIAL_CLS 7']);
    expect(frontend.port.take()).toEqual([]);
    expect(bench.told.at(-1)).toBe('failed 7 frontend_close');
    expect(bench.left()).toEqual([0, 0, 0]);
  });

  it('R7: is closed when it is a connection already at the DIAL_CLS', () => {
    const bench = new ServerBench();
    const { frontend, agent } = bench.connected();
    frontend.send(dialClose(dialId(7n)));
    expect(agent.port.take()).toEqual(['CLOSE_REQ 1']);
    expect(bench.left()).toEqual([0, 0, 0]);
    expect(bench.told.at(-1)).toBe('closed 1 frontend');
  });

  it('is not touched by a DIAL_CLS for another dial, from either side', () => {
    const bench = new ServerBench();
    const agent = bench.agent();
    const frontend = bench.frontend();
    frontend.send(dial(7n));
    frontend.send(dialClose(dialId(8n)));
    agent.send(dialClose(dialId(8n)));
    expect(bench.left()).toEqual([1, 0, 1]);
  });

  it('R7: is not cancelled by the DIAL_CLS of another frontend', () => {
    const bench = new ServerBench();
    bench.agent();
    bench.frontend('one').send(dial(7n));
    bench.frontend('two').send(dialClose(dialId(7n)));
    expect(bench.left()).toEqual([1, 0, 1]);
  });

  it('ends by a DIAL_CLS of the agent, which is passed on to the frontend', () => {
    const bench = new ServerBench();
    const agent = bench.agent();
    const frontend = bench.frontend();
    frontend.send(dial(7n));
    agent.send(dialClose(dialId(7n)));
    expect(frontend.port.take()).toEqual(['DIAL_CLS 7']);
    expect(bench.told.at(-1)).toBe('failed 7 backend_close');
    expect(bench.left()).toEqual([0, 0, 0]);
  });

  it('R10: is cancelled when its frontend stream ends', () => {
    const bench = new ServerBench();
    const agent = bench.agent();
    const frontend = bench.frontend();
    frontend.send(dial(7n));
    agent.port.take();
    frontend.close();
    frontend.close();
    expect(agent.port.take()).toEqual(['DIAL_CLS 7']);
    expect(bench.left()).toEqual([0, 0, 0]);
  });

  it('R11: fails at once when its agent stream ends', () => {
    const bench = new ServerBench();
    const agent = bench.agent();
    const frontend = bench.frontend();
    frontend.send(dial(7n));
    agent.close();
    expect(frontend.port.take()).toEqual(['DIAL_RSP 7 agent connection lost']);
    expect(bench.told.at(-1)).toBe('failed 7 backend_close');
    expect(bench.left()).toEqual([0, 0, 0]);
  });

  it('is refused when its dial ID is in use on that agent stream', () => {
    const bench = new ServerBench();
    const agent = bench.agent();
    const [one, two] = [bench.frontend('one'), bench.frontend('two')];
    one.send(dial(7n));
    two.send(dial(7n));
    expect(two.port.take()).toEqual(['DIAL_RSP 7 dial ID is already in use']);
    agent.send(answer(7n, 1n));
    expect(one.port.take()).toEqual(['DIAL_RSP 7 ok 1']);
    expect(bench.told).toEqual(['started 7', 'failed 7 error_response', 'established 7 1']);
  });

  it('R12: on two agents with one connect ID gives a stream one connection only', () => {
    const bench = new ServerBench(0, ['destHost']);
    const [a, b] = [bench.agent('a', ['a']), bench.agent('b', ['b'])];
    const frontend = bench.frontend();
    frontend.send(dial(7n, 'a:1'));
    frontend.send(dial(8n, 'b:1'));
    a.send(answer(7n, 1n));
    b.port.take();
    b.send(answer(8n, 1n));
    expect(frontend.port.take()).toEqual([
      'DIAL_RSP 7 ok 1',
      'DIAL_RSP 8 connection ID is already in use on this stream',
    ]);
    expect(b.port.take()).toEqual(['CLOSE_REQ 1']);
    frontend.close();
    expect(bench.left()).toEqual([0, 0, 0]);
  });

  it('R21: avoids an agent that drains, while another is there', () => {
    const bench = new ServerBench();
    const leaving = bench.agent('a');
    const staying = bench.agent('b');
    leaving.send(drainPacket);
    leaving.send(drainPacket);
    for (let id = 1n; id <= 10n; id += 1n) bench.frontend().send(dial(id));
    expect(leaving.port.take()).toEqual([]);
    expect(staying.port.take()).toHaveLength(10);
    expect(bench.told.filter((text) => text.startsWith('draining'))).toEqual(['draining agent/a']);
    staying.close();
    bench.frontend().send(dial(11n));
    expect(leaving.port.take()).toEqual(['DIAL_REQ 11 10.0.0.1:10250']);
  });

  it('R7: is closed when its answer is unknown, unless that is a failure', () => {
    const bench = new ServerBench();
    const agent = bench.agent();
    agent.send(answer(9n, 5n));
    agent.send(dialFailure(dialId(9n), 'x'));
    expect(agent.port.take()).toEqual(['CLOSE_REQ 5']);
    expect(bench.told).toEqual(['unrecognized 9', 'unrecognized 9']);
  });

  it('R12: leaves the connections of another stream of the same agent ID alone', () => {
    const bench = new ServerBench();
    const { frontend, agent } = bench.connected();
    const twin = bench.agent('a');
    twin.send(answer(99n, 1n));
    expect(twin.port.take()).toEqual(['CLOSE_REQ 1']);
    twin.close();
    agent.send(data(1n, 'still here'));
    expect(frontend.port.take()).toEqual(['DATA 1 still here']);
    expect(frontend.frontend.connections.has(connectId(1n))).toBe(true);
  });
});
