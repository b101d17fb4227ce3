import { describe, expect, it } from 'vitest';
import { AgentMachine, createConnectIds } from '../../../src/core/agent/machine.js';
import { TunnelMachine } from '../../../src/core/client/machine.js';
import { ManualClock } from '../../../src/core/clock.js';
import { Credits, windowExceededText } from '../../../src/core/credits.js';
import { ConnectFrontend } from '../../../src/core/http-connect/frontend.js';
import {
  connectId,
  dataPacket,
  dialId,
  dialRequest,
  dialSuccess,
  type Packet,
  windowUpdate,
} from '../../../src/core/packet.js';
import { ReceiveWindow, WindowBudget, windowBytes } from '../../../src/core/receive-window.js';
import { RecordingClient } from '../../support/recording-client.js';
import { packetText, RecordingPort } from '../../support/recording-port.js';
import { type AgentEnd, data, dial, type FrontendEnd, ServerBench } from '../../support/server-bench.js';

const one = connectId(1n);
const asked = dialRequest('10.0.0.1:10250', dialId(7n), windowBytes);
const agreed = dialSuccess(dialId(7n), one, 4);
const tooMuch = dataPacket(one, Buffer.alloc(windowBytes + 1));

describe('credits of a connection', () => {
  function credits(peerWindow: number) {
    const port = new RecordingPort();
    const made = new Credits({
      connectId: one,
      peerWindow,
      window: new ReceiveWindow(new ManualClock(), new WindowBudget()),
      send: (packet) => {
        port.send(packet);
        return port;
      },
    });
    return { port, made };
  }

  it('R28: let bytes go as far as the window, and the rest with each credit', () => {
    const { port, made } = credits(4);
    expect(made.write(Buffer.from('abc'))).toBe(port);
    expect(made.write(Buffer.from('defghi'))).toBe(made);
    let woken = 0;
    made.whenClear(() => (woken += 1));
    made.grant(2);
    expect(woken).toBe(0);
    made.grant(10);
    expect(woken).toBe(1);
    expect(port.take()).toEqual(['DATA 1 abc', 'DATA 1 d', 'DATA 1 ef', 'DATA 1 ghi']);
    expect(made.congested).toBe(false);
  });

  it('R29: are given for a quarter of the window at once', () => {
    const { port, made } = credits(4);
    expect(made.received(windowBytes)).toBe(true);
    made.took(windowBytes / 4 - 1);
    expect(port.take()).toEqual([]);
    made.took(2);
    expect(port.take()).toEqual([`WINDOW_UPDATE 1 ${windowBytes / 4 + 1}`]);
  });

  it('R30: do not cover more than a window, which is as wide again after credit', () => {
    const { made } = credits(4);
    made.received(windowBytes);
    made.took(windowBytes);
    expect(made.received(windowBytes)).toBe(true);
    expect(made.received(1)).toBe(false);
  });

  it('wake the source when the connection is over, and send nothing more', () => {
    const { port, made } = credits(1);
    made.write(Buffer.from('ab'));
    let woken = 0;
    made.whenClear(() => (woken += 1));
    made.drop();
    made.grant(10);
    expect(woken).toBe(1);
    expect(port.take()).toEqual(['DATA 1 a']);
  });
});

describe('an agent', () => {
  function dialled(packet: Packet, agreedOn = true) {
    const server = new RecordingPort();
    const ends: string[] = [];
    const machine = new AgentMachine({
      ...{ clock: new ManualClock(), server, nextConnectId: createConnectIds(), dialTimeoutMs: 5000 },
      observer: {
        ...{ packet: () => undefined, dialStarted: () => undefined, dialSucceeded: () => undefined },
        dialFailed: () => undefined,
        endpointClosed: (_endpoint, _livedMs, reason) => void ends.push(reason),
      },
      openEndpoint: () => ({
        ...{ write: () => undefined, finish: () => undefined, destroy: () => void ends.push('destroyed') },
        ...{ congested: true, takenBytes: 0, whenClear: () => undefined },
      }),
    });
    if (agreedOn) machine.agreeOnCredits();
    machine.handlePacket(packet);
    const [endpoint] = machine.endpoints.values();
    if (endpoint === undefined) throw new Error('not dialled');
    machine.dialSucceeded(endpoint);
    return { server, machine, endpoint, ends };
  }
  const answeredWindow = ({ server }: ReturnType<typeof dialled>): unknown =>
    server.sent.map((packet) => (packet.kind === 'DIAL_RSP' ? packet.initWindow : packetText(packet)));

  it('R27: has flow control when its frontend asks for it and its server has agreed', () => {
    expect(answeredWindow(dialled(asked))).toEqual([windowBytes]);
    expect(answeredWindow(dialled(asked, false))).toEqual([undefined]);
    expect(answeredWindow(dialled(dial(7n)))).toEqual([undefined]);
  });

  it('R28: is not held up by an endpoint with flow control', () => {
    const { machine } = dialled(asked);
    expect(machine.handlePacket(data(1n, 'x'))).toBe(undefined);
    expect(dialled(dial(7n)).machine.handlePacket(data(1n, 'x'))).toMatchObject({ congested: true });
  });

  it('R29: gives no credit after the end', () => {
    const { server, machine, endpoint } = dialled(asked);
    machine.handlePacket(data(1n, 'x'));
    machine.endpointEnded(endpoint);
    server.take();
    machine.endpointTook(endpoint, windowBytes);
    expect(server.take()).toEqual([]);
  });

  it('R30: closes a connection whose window is overrun, and no other', () => {
    const { server, machine, ends } = dialled(asked);
    machine.handlePacket(asked);
    server.take();
    machine.handlePacket(tooMuch);
    expect(server.take()).toEqual([`CLOSE_RSP 1 ${windowExceededText}`]);
    expect(ends).toEqual(['window_exceeded', 'destroyed']);
    expect([...machine.endpoints.keys()]).toEqual([2n]);
  });

  it('R20, R28: sends what waits for credit before the CLOSE_RSP of an endpoint that has gone', () => {
    const { server, machine, endpoint } = dialled({ ...asked, initWindow: 2 });
    machine.endpointData(endpoint, Buffer.from('abc'));
    machine.endpointEnded(endpoint);
    machine.endpointEnded(endpoint);
    expect(server.take().slice(1)).toEqual(['DATA 1 ab']);
    machine.handlePacket(windowUpdate(one, 1));
    expect(server.take()).toEqual(['DATA 1 c', 'CLOSE_RSP 1']);
  });
});

describe('a server', () => {
  function ends(frontendAgrees: boolean, agentAgrees: boolean) {
    const bench = new ServerBench();
    return {
      frontend: bench.frontend('f', { credits: frontendAgrees }),
      agent: bench.agent('a', [], agentAgrees),
    };
  }
  const dialledWith = ({ frontend, agent }: { frontend: FrontendEnd; agent: AgentEnd }): unknown => {
    frontend.send({ ...asked, raw: Buffer.from('with the window') });
    const [packet] = agent.port.sent;
    return packet?.kind === 'DIAL_REQ' ? [packet.initWindow, packet.raw?.length] : packet;
  };

  it('R27: passes the window on between ends that have both agreed, and to nobody else', () => {
    expect(dialledWith(ends(true, true))).toEqual([windowBytes, 15]);
    expect(dialledWith(ends(false, true))).toEqual([undefined, undefined]);
    expect(dialledWith(ends(true, false))).toEqual([undefined, undefined]);
  });

  it.each([
    [true, true],
    [true, false],
    [false, true],
  ])('R27: tells no frontend of a window to which not all agree: frontend %s, agent %s', (...agree) => {
    const { frontend, agent } = ends(...agree);
    frontend.send(asked);
    agent.send(agreed);
    expect(frontend.port.sent).toMatchObject([{ kind: 'DIAL_RSP', connectId: one }]);
    expect(frontend.port.sent.map((packet) => 'initWindow' in packet)).toEqual([agree[0] && agree[1]]);
  });

  it.each([
    [true, true],
    [true, false],
    [false, true],
  ])('R29: passes credit on when both agree: frontend %s, agent %s', (frontendAgrees, agentAgrees) => {
    const { frontend, agent } = ends(frontendAgrees, agentAgrees);
    frontend.send(asked);
    agent.send(agreed);
    agent.port.take();
    frontend.port.take();
    frontend.send(windowUpdate(one, 5));
    frontend.send(windowUpdate(connectId(2n), 5));
    agent.send(windowUpdate(one, 6));
    const both = frontendAgrees && agentAgrees;
    expect(agent.port.take()).toEqual(both ? ['WINDOW_UPDATE 1 5'] : []);
    expect(frontend.port.take()).toEqual(both ? ['WINDOW_UPDATE 1 6'] : []);
  });

  it('R22, R28: has no bound for all frontends together on connections with flow control', () => {
    const together = { congested: true, whenClear: () => undefined };
    const bench = new ServerBench(20_000, ['default'], [], together);
    const [plain, credited] = [bench.frontend('plain'), bench.frontend('f', { credits: true })];
    const agent = bench.agent('a', [], true);
    plain.send(dial(6n));
    agent.send(dialSuccess(dialId(6n), connectId(2n)));
    credited.send(asked);
    agent.send(agreed);
    expect(agent.send(data(2n, 'x'))).toBe(together);
    expect(agent.send(data(1n, 'x'))).toBe(credited.port);
    expect([plain.port.leftBacklog, credited.port.leftBacklog]).toEqual([false, true]);
  });
});

describe('a client', () => {
  function open(answer: Packet, agrees = true) {
    const server = new RecordingPort();
    const ends: string[] = [];
    const reader = { congested: true, takenBytes: 0, whenClear: () => undefined };
    const machine = new TunnelMachine({
      ...{ clock: new ManualClock(), server, dialId: dialId(7n), address: 'x:1', flowControl: true },
      ...{ dialTimeoutMs: 30_000, closeTimeoutMs: 10_000, readTimeoutMs: 0 },
      user: {
        ...{ established: () => undefined, failed: () => undefined, packet: () => undefined },
        ...{ data: () => reader, closed: (error) => void ends.push(error) },
      },
    });
    machine.dial();
    expect(server.sent).toMatchObject([{ kind: 'DIAL_REQ', initWindow: windowBytes }]);
    if (agrees) machine.agreeOnCredits();
    machine.handlePacket(answer);
    server.take();
    return { server, machine, ends, reader };
  }

  it('R27, R28: waits for credit when server and agent have agreed, and is not held up by its reader', () => {
    const { server, machine } = open(agreed);
    expect(machine.write(Buffer.from('abcdef'))).toBeInstanceOf(Credits);
    machine.handlePacket(windowUpdate(connectId(2n), 9));
    machine.handlePacket(windowUpdate(one, 1));
    expect(server.take()).toEqual(['DATA 1 abcd', 'DATA 1 e']);
    expect(machine.handlePacket(data(1n, 'x'))).toBe(undefined);
  });

  it.each([
    ['server', agreed, false],
    ['agent', dialSuccess(dialId(7n), one), true],
  ])('R27: has no flow control when its %s has not agreed', (_who, answer, agrees) => {
    const { server, machine, reader } = open(answer, agrees);
    expect(machine.write(Buffer.from('abcdef'))).toBe(server);
    expect(machine.handlePacket(data(1n, 'x'))).toBe(reader);
    machine.took(windowBytes);
    expect(server.take()).toEqual(['DATA 1 abcdef']);
  });

  it('R30: closes a connection whose window is overrun', () => {
    const { server, machine, ends } = open(agreed);
    machine.handlePacket(tooMuch);
    expect(server.take()).toEqual(['CLOSE_REQ 1']);
    expect(ends).toEqual([windowExceededText]);
  });
});

describe('a CONNECT client', () => {
  function open(bench = new ServerBench()) {
    const agent = bench.agent('a', [], true);
    const client = new RecordingClient();
    const connect: ConnectFrontend = new ConnectFrontend({
      ...{ client, address: 'x:1', clock: bench.clock, dialId: dialId(7n) },
      windowBudget: new WindowBudget(),
      toServer: (packet) => bench.machine.handleFrontendPacket(frontend, packet),
    });
    const frontend = bench.machine.openFrontend('c', connect, { protocol: 'http-connect', credits: true });
    connect.dial();
    agent.send(agreed);
    agent.port.take();
    return { agent, client, connect };
  }

  it('R26, R28: that ends while its bytes wait for credit loses none of them', () => {
    const { agent, connect } = open();
    expect(connect.received(Buffer.from('abcdef'))).toBeInstanceOf(Credits);
    connect.clientEnded();
    expect(agent.port.take()).toEqual(['DATA 1 abcd']);
    agent.send(windowUpdate(one, 9));
    expect(agent.port.take()).toEqual(['DATA 1 ef', 'CLOSE_REQ 1']);
  });

  it('R29: takes the answer of HTTP without credit', () => {
    const { agent, client, connect } = open();
    agent.send(dataPacket(one, Buffer.alloc(windowBytes)));
    connect.took((client.writes[0]?.length ?? 0) + windowBytes);
    expect(agent.port.take()).toEqual([`WINDOW_UPDATE 1 ${windowBytes}`]);
  });

  it('R30: whose window is overrun gets the end', () => {
    const { agent, client } = open();
    agent.send(tooMuch);
    expect(agent.port.take()).toEqual(['CLOSE_REQ 1']);
    expect([client.writes.length, client.ended]).toEqual([1, 1]);
  });
});
