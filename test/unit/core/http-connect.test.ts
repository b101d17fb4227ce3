import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { agentLostText } from '../../../src/core/dial-texts.js';
import { AnswerReader, type ConnectAnswer, maxAnswerBytes } from '../../../src/core/http-connect/answer.js';
import { ConnectFrontend, lingerMs } from '../../../src/core/http-connect/frontend.js';
import { failureResponse } from '../../../src/core/http-connect/responses.js';
import {
  closeResponse,
  connectId,
  dataPacket,
  dialClose,
  dialFailure,
  dialId,
  maxDataBytes,
} from '../../../src/core/packet.js';
import { RecordingClient } from '../../support/recording-client.js';
import { type AgentEnd, answer, data, ServerBench } from '../../support/server-bench.js';

const established = 'HTTP/1.1 200 Connection Established\r\n\r\n';
const plain = 'Content-Type: text/plain; charset=utf-8';
const address = '10.0.0.1:10250';

interface ConnectEnd {
  readonly client: RecordingClient;
  readonly connect: ConnectFrontend;
  /** As the driver does when the socket is closed. */
  gone(): void;
}

/** A CONNECT with dial ID 7. */
function request(bench: ServerBench): ConnectEnd {
  const client = new RecordingClient();
  const connect: ConnectFrontend = new ConnectFrontend({
    ...{ client, address, clock: bench.clock, dialId: dialId(7n) },
    toServer: (packet) => bench.machine.handleFrontendPacket(frontend, packet),
  });
  const frontend = bench.machine.openFrontend('client/connect-1', connect);
  connect.dial();
  const gone = (): void => {
    connect.clientGone();
    bench.machine.closeFrontend(frontend);
  };
  return { client, connect, gone };
}

function dialing(): ConnectEnd & { bench: ServerBench; agent: AgentEnd } {
  const bench = new ServerBench();
  const agent = bench.agent();
  const end = request(bench);
  expect(agent.port.take()).toEqual([`DIAL_REQ 7 ${address}`]);
  return { ...end, bench, agent };
}

/** With connect ID 1, and what was written so far forgotten. */
function open(): ReturnType<typeof dialing> {
  const end = dialing();
  end.agent.send(answer(7n, 1n));
  end.client.writes.length = 0;
  return end;
}

const bytes = (text: string): Uint8Array => Buffer.from(text);

describe('a CONNECT whose dial succeeds', () => {
  it('R24: is answered 200 before the first DATA, and with nothing else', () => {
    const { client, agent } = dialing();
    expect(client.text).toBe('');
    agent.send(answer(7n, 1n));
    agent.send(data(1n, 'first'));
    expect(client.writes).toEqual([established, 'first']);
    expect(client.ended).toBe(0);
  });

  it('R24: sends what the client wrote too early as its first DATA, in order', () => {
    const { connect, agent } = dialing();
    connect.received(bytes('one'));
    connect.received(bytes('two'));
    expect(agent.port.take()).toEqual([]);
    agent.send(answer(7n, 1n));
    connect.received(bytes('three'));
    expect(agent.port.take()).toEqual(['DATA 1 one', 'DATA 1 two', 'DATA 1 three']);
  });

  it('R24: pauses a client that writes more than 64 KiB too early, until the answer', () => {
    const { connect, agent } = dialing();
    expect(connect.received(new Uint8Array(maxDataBytes))?.congested).toBe(false);
    const full = connect.received(new Uint8Array(1));
    expect(full?.congested).toBe(true);
    let resumed = 0;
    full?.whenClear(() => (resumed += 1));
    agent.send(answer(7n, 1n));
    expect([full?.congested, resumed]).toEqual([false, 1]);
  });

  it('R5: sends at most 64 KiB in one DATA, and no empty one', () => {
    const { connect, agent } = open();
    connect.received(new Uint8Array(0));
    connect.received(new Uint8Array(2 * maxDataBytes + 5));
    expect(agent.port.sent.map((packet) => (packet.kind === 'DATA' ? packet.data.length : 0))).toEqual([
      maxDataBytes,
      maxDataBytes,
      5,
    ]);
  });

  it('R22: is not read while its agent is full, and pauses its agent while it is full itself', () => {
    const { connect, client, agent } = open();
    agent.port.congested = true;
    expect(connect.received(bytes('up'))).toBe(agent.port);
    client.congested = true;
    const full = agent.send(data(1n, 'down')) as { congested: boolean; whenClear(resume: () => void): void };
    expect(full.congested).toBe(true);
    let resumed = 0;
    full.whenClear(() => (resumed += 1));
    client.clear();
    expect(resumed).toBe(1);
  });

  it('R19: is cut when the client takes nothing for 30 s', () => {
    const { client, agent, bench, gone } = open();
    client.congested = true;
    agent.send(data(1n, 'down'));
    bench.clock.advance(30_000);
    expect(client.destroyed).toBe(1);
    expect(agent.port.take()).toEqual(['CLOSE_REQ 1']);
    gone();
  });
});

describe('a CONNECT whose dial fails', () => {
  it.each([
    ['dial tcp: connect: connection refused', '502 Bad Gateway'],
    ['EOF', '502 Bad Gateway'],
    ['dial tcp 1.2.3.4:5: I/O Timeout', '504 Gateway Timeout'],
    ['context deadline exceeded', '504 Gateway Timeout'],
    ['TIMEOUT: too many open files', '504 Gateway Timeout'],
    ['socket: too many open files', '503 Service Unavailable'],
    ['constructor', '502 Bad Gateway'],
  ])('R25: is answered with the agent’s text %j and %s', (text, status) => {
    const { client, agent } = dialing();
    agent.send(dialFailure(dialId(7n), text));
    expect(client.text).toBe(`HTTP/1.1 ${status}\r\nConnection: close\r\n${plain}\r\n\r\n${text}`);
    expect(client.ended).toBe(1);
  });

  it('R25: without an agent is answered 500, and ends once', () => {
    const bench = new ServerBench();
    const { client, gone } = request(bench);
    expect(client.text).toBe(
      'HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain\r\n\r\ncurrently no tunnels available: No agent available',
    );
    expect(client.ended).toBe(1);
    gone();
    expect(bench.left()).toEqual([0, 0, 0]);
  });

  it('R25: with its agent is answered 502', () => {
    const { client, agent } = dialing();
    agent.close();
    expect(client.text).toBe(
      `HTTP/1.1 502 Bad Gateway\r\n${plain}\r\n\r\nBackend context error: context canceled\r\n`,
    );
    expect(failureResponse(agentLostText)).toBe(client.text);
  });

  it('R25: by the server’s deadline is answered 504', () => {
    const { client, agent, bench } = dialing();
    bench.clock.advance(20_000);
    expect(client.text).toBe(
      `HTTP/1.1 504 Gateway Timeout\r\n${plain}\r\n\r\nBackend dial timeout: timed out waiting for backend dial\r\n`,
    );
    expect(agent.port.take()).toEqual(['DIAL_CLS 7']);
  });

  it('R25: before it is sent is answered 502', () => {
    const { bench } = dialing();
    expect(request(bench).client.text).toBe(
      `HTTP/1.1 502 Bad Gateway\r\n${plain}\r\n\r\nFailed to tunnel dial request: dial ID is already in use\r\n`,
    );
  });

  it('R25: by DIAL_CLS just ends', () => {
    const { client, agent } = dialing();
    agent.send(dialClose(dialId(7n)));
    expect([client.text, client.ended]).toEqual(['', 1]);
  });

  it('R25: sends nothing more, and drops later bytes of the client', () => {
    const { client, connect, agent } = dialing();
    agent.send(dialFailure(dialId(7n), 'no'));
    const before = client.text;
    agent.send(data(1n, 'late'));
    connect.send(dataPacket(connectId(1n), bytes('late')));
    expect(connect.received(bytes('more'))).toBeUndefined();
    expect(client.text).toBe(before);
    expect(agent.port.take()).toEqual(['CLOSE_REQ 1']);
  });
});

describe('the end of a CONNECT', () => {
  it('R26: by a client that hangs up before the answer cancels the dial', () => {
    const { client, connect, agent, bench, gone } = dialing();
    connect.clientEnded();
    expect(agent.port.take()).toEqual(['DIAL_CLS 7']);
    expect([client.text, client.ended]).toEqual(['', 1]);
    agent.send(answer(7n, 1n));
    expect(agent.port.take()).toEqual(['CLOSE_REQ 1']);
    expect(client.text).toBe('');
    gone();
    expect(bench.left()).toEqual([0, 0, 0]);
  });

  it('R26: by the client is a CLOSE_REQ; what comes before its answer is still written', () => {
    const { client, connect, agent, bench, gone } = open();
    connect.clientEnded();
    expect(agent.port.take()).toEqual(['CLOSE_REQ 1']);
    agent.send(data(1n, 'last'));
    expect([client.text, client.ended]).toEqual(['last', 0]);
    agent.send(closeResponse(connectId(1n)));
    expect(client.ended).toBe(1);
    gone();
    expect(bench.left()).toEqual([0, 0, 0]);
  });

  it('R26: by the client, which the agent does not answer, comes after 10 s', () => {
    const { client, connect, bench } = open();
    connect.clientEnded();
    bench.clock.advance(10_000);
    expect(client.ended).toBe(1);
  });

  it('R26: by a broken socket cancels the dial or closes the connection', () => {
    const early = dialing();
    early.gone();
    expect(early.agent.port.take()).toEqual(['DIAL_CLS 7']);
    const late = open();
    late.gone();
    expect(late.agent.port.take()).toEqual(['CLOSE_REQ 1']);
    late.agent.send(closeResponse(connectId(1n)));
    expect(late.bench.left()).toEqual([0, 0, 0]);
  });

  it.each(['', 'agent connection lost'])('R26: by CLOSE_RSP %j writes nothing', (error) => {
    const { client, agent } = open();
    agent.send(closeResponse(connectId(1n), error));
    expect([client.text, client.ended, client.destroyed]).toEqual(['', 1, 0]);
  });

  it('R26: is enforced after half a second on a client that has all bytes and keeps the connection open', () => {
    const { client, agent, bench } = open();
    agent.send(closeResponse(connectId(1n)));
    client.flushed();
    bench.clock.advance(lingerMs - 1);
    expect(client.destroyed).toBe(0);
    bench.clock.advance(1);
    expect(client.destroyed).toBe(1);
  });

  it('R26: needs no force on a client that closes in time', () => {
    const { client, agent, bench, gone } = open();
    agent.send(closeResponse(connectId(1n)));
    client.flushed();
    gone();
    expect(bench.clock.pendingTimers).toBe(0);
    client.flushed();
    expect(bench.clock.pendingTimers).toBe(0);
  });

  it('R26: is enforced on a client that takes nothing for 30 s', () => {
    const { client, agent, bench } = open();
    agent.send(closeResponse(connectId(1n)));
    bench.clock.advance(29_999);
    expect(client.destroyed).toBe(0);
    bench.clock.advance(1);
    expect(client.destroyed).toBeGreaterThan(0);
  });
});

describe('the reader of an answer to CONNECT', () => {
  const read = (text: string, sizes: readonly number[]): ConnectAnswer | undefined => {
    const reader = new AnswerReader();
    const all = Buffer.from(text, 'latin1');
    let at = 0;
    for (const size of [...sizes, all.length]) {
      const found = reader.receive(all.subarray(at, at + size));
      if (found !== undefined) return found;
      at += size;
    }
    return undefined;
  };
  const answers = [
    [established, 200, '200 Connection Established'],
    ['HTTP/1.0 200\nA: b\n\n', 200, '200'],
    [failureResponse('x').slice(0, -1), 502, '502 Bad Gateway'],
  ] as const;

  it('finds the status and the end of the head in any chunks', () => {
    const chunks = fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 60 });
    fc.assert(
      fc.property(fc.constantFrom(...answers), chunks, ([text, code, status], sizes) => {
        expect(read(text.slice(0, -1), sizes)).toBeUndefined();
        expect(read(text, sizes)).toEqual({
          kind: 'answer',
          code,
          status,
          version: text.slice(0, 8),
          restBytes: 0,
        });
      }),
    );
  });

  it('counts the bytes after the head', () => {
    expect(read(`${established}abc`, [])).toMatchObject({ restBytes: 3 });
  });

  it.each([
    ['ICY 200 OK\r\n', 'malformed HTTP version "ICY"'],
    ['HTTP/1.1 20 OK\r\n', 'malformed HTTP status code "20"'],
    ['HTTP/1.1 200 OK\r\n A: b\r\n', 'malformed MIME header initial line:  A: b'],
    ['HTTP/1.1 200 OK\r\nA: b\r\nbroken\r\n', 'malformed MIME header: missing colon: "broken"'],
    ['HTTP/1.1 200 OK\r\nA: b\r\n c\r\na(b: c\r\n', 'malformed MIME header line: a(b: c'],
  ])('refuses %j', (text, fault) => {
    expect(read(text, [])).toEqual({ kind: 'broken', text: fault });
  });

  it('stops at bytes that are not HTTP, or at more than 1 MiB', () => {
    expect(read('SSH-2.0-x\r\n\r\n', [])).toEqual({
      kind: 'broken',
      text: 'malformed HTTP response "SSH-2.0-x"',
    });
    expect(read('SSH-2.0-x\r\n', [])).toMatchObject({ kind: 'broken' });
    expect(read('x'.repeat(maxAnswerBytes), [])).toEqual({ kind: 'broken', text: 'unexpected EOF' });
  });
});
