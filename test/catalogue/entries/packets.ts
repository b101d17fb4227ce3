import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { Lab } from '../../../src/index.js';
import { until } from '../../support/waits.js';
import type { Entry, Provoke } from '../entry.js';
import { hostname, logs } from '../provoke.js';

const tunnel = { from: 'agent/node-1', to: 'server/server-1' } as const;
const door = { from: 'client/lab', to: 'server/server-1' } as const;
const hour = 3_600_000;

const ipOf = (lab: Lab, name: string): string =>
  lab.topology.objects.pods.find(({ metadata }) => metadata.name === name)?.status.podIP ?? '';

/** The page of `web-1`, without TLS. */
const page: Provoke = async (lab) => {
  const stream = await lab.dial(ipOf(lab, 'web-1'), 8080);
  stream.write('GET / HTTP/1.0\r\n\r\n');
  const answer = await text(stream);
  return answer === '' ? 'an empty answer' : answer;
};

/** An exec beside a connection that is open. */
const beside: Provoke = async (lab) => {
  const open = await lab.dial(ipOf(lab, 'echo'), 7);
  try {
    return await hostname(lab);
  } finally {
    open.destroy();
  }
};

/** An exec that its user gives up after so long, real ms. */
const givenUp =
  (afterMs: number): Provoke =>
  async (lab) =>
    (await lab.exec('web-1', ['hostname'], { signal: AbortSignal.timeout(afterMs) })).stdout;

/** Later dials get the ID of a connection that is open. */
async function collide(lab: Lab): Promise<() => unknown> {
  const open = await lab.dial(ipOf(lab, 'echo'), 7);
  open.on('error', () => undefined);
  const connectId = Number(lab.connections().at(-1)?.connectId);
  const fault = lab.fault({
    on: tunnel,
    direction: 'toTarget',
    do: { packet: { type: 'DIAL_RSP', is: 'renumbered', connectId } },
  });
  return () => {
    fault.remove();
    open.destroy();
  };
}

/** A client that sends much to the echo pod, and then takes little of it at a time. */
async function readSlowly(lab: Lab): Promise<() => unknown> {
  const stream = await lab.dial(ipOf(lab, 'echo'), 7);
  stream.on('error', () => undefined);
  const piece = Buffer.alloc(64 << 10);
  for (let sent = 0; sent < 64 << 20; sent += piece.length) stream.write(piece);
  let [left, turns] = [0, 0];
  // All queues are full when no piece leaves any more.
  await until(() => {
    turns = stream.writableLength === left ? turns + 1 : 0;
    left = stream.writableLength;
    return turns > 1000;
  });
  const write = (_chunk: Buffer, _encoding: string, done: () => void): void =>
    void setTimeout(done, 100).unref();
  stream.pipe(new Writable({ highWaterMark: 1, write }));
  return () => stream.destroy();
}

export const packetFaults: readonly Entry[] = [
  {
    id: 'P3',
    title: 'An answer to a dial is lost, and the dial stays pending',
    inject: { on: tunnel, direction: 'toTarget', do: { packet: { type: 'DIAL_RSP', is: 'lost' } } },
    says: 'dial timeout, backstop',
    journal: { kind: 'fault.hit', packet: 'DIAL_RSP', text: 'DIAL_RSP is lost' },
  },
  {
    id: 'P4',
    title: 'The end of a connection is lost, and one end keeps it',
    lab: { as: 'ideal', timeScale: 40 },
    inject: {
      on: tunnel,
      direction: 'toClient',
      do: { packet: { type: 'CLOSE_REQ', is: 'lost' } },
    },
    says: 'web-1',
    journal: { kind: 'connection.stale', node: 'server/server-1' },
    heals: 'Ideal parts find it within a minute; others keep it until their stream ends.',
  },
  {
    id: 'P5',
    title: 'Two connections of an agent have one ID',
    inject: { text: 'each later DIAL_RSP of the agent names a connection that is open', run: collide },
    says: 'SSL routines',
    journal: { kind: 'connection.closed', node: 'server/server-1', reason: 'reused_id' },
    heals: 'New connections have IDs of their own.',
  },
  {
    id: 'P6',
    title: 'DATA of a connection that the agent does not know',
    inject: { on: tunnel, direction: 'toClient', do: { inject: { packet: 'dataForUnknown' } } },
    says: 'web-1',
    journal: {
      kind: 'packet',
      node: 'agent/node-1',
      packet: 'CLOSE_RSP',
      text: 'unrecognized connectID',
    },
  },
  {
    id: 'P7',
    title: 'A dial is answered after the client has given up',
    lab: { timeScale: 20 },
    inject: {
      on: tunnel,
      direction: 'toTarget',
      do: { packet: { type: 'DIAL_RSP', is: 'delayed', delay: '35s' } },
    },
    says: 'dial timeout, backstop',
    journal: { kind: 'dial.failed', node: 'server/server-1', reason: 'unrecognized_response' },
  },
  {
    id: 'P8',
    title: 'A DIAL_CLS crosses the answer to its dial',
    lab: { timeScale: 20 },
    inject: {
      on: tunnel,
      direction: 'toTarget',
      do: { packet: { type: 'DIAL_RSP', is: 'heldPast', past: 'DIAL_CLS' } },
    },
    says: 'dial timeout, backstop',
    journal: { kind: 'packet', node: 'agent/node-1', packet: 'CLOSE_RSP', text: 'Unknown connectID' },
  },
  {
    id: 'P9',
    title: 'DATA comes after the CLOSE of its connection',
    inject: {
      on: tunnel,
      direction: 'toTarget',
      do: { packet: { type: 'DATA', is: 'heldPast', past: 'CLOSE_RSP' } },
    },
    provoke: page,
    asks: 'the page of `web-1`',
    works: '200 OK',
    says: 'an empty answer',
    journal: { kind: 'fault.hit', packet: 'DATA', text: 'DATA is held past CLOSE_RSP' },
  },
  {
    id: 'P10',
    title: 'A packet is larger than gRPC takes',
    inject: {
      on: door,
      direction: 'toTarget',
      when: { event: 'dial.established', fields: { node: 'client/lab' } },
      do: { inject: { packet: 'oversized' } },
    },
    says: 'tunnel closed: grpc: received message larger than max (4194326 vs. 4194304)',
    journal: { kind: 'connection.closed', node: 'server/server-1', reason: 'frontend_lost' },
  },
  {
    id: 'P11',
    title: 'A packet of an unknown type',
    inject: { on: tunnel, do: { inject: { packet: 'unknownType' } } },
    says: 'web-1',
    journal: { kind: 'fault.hit', action: 'inject' },
  },
  {
    id: 'P12',
    title: 'A server takes no more streams',
    inject: { on: { part: 'server/server-1' }, do: { maxStreams: { count: 1 } } },
    provoke: beside,
    asks: 'an exec beside an open connection',
    says: 'dial timeout, backstop',
    journal: { kind: 'dial.failed', node: 'client/lab', code: 'DIAL_TIMEOUT' },
  },
  {
    id: 'P13',
    title: 'A connection is closed twice',
    inject: { on: tunnel, direction: 'toTarget', do: { packet: { type: 'CLOSE_RSP', is: 'duplicated' } } },
    says: 'web-1',
    journal: { kind: 'fault.hit', packet: 'CLOSE_RSP', text: 'CLOSE_RSP is duplicated' },
  },
  {
    id: 'S7',
    title: 'A dial goes to an agent that is dead',
    lab: { keepalive: { agentsMs: hour, serversMs: hour }, timeScale: 20 },
    inject: { on: { from: 'agent/node-1', to: 'server/*' }, direction: 'toClient', do: 'drop' },
    says: 'dial timeout, backstop',
    journal: { kind: 'dial.failed', node: 'server/server-1', reason: 'frontend_close' },
  },
  {
    id: 'S8',
    title: 'A server ends the connection of an agent by GOAWAY',
    inject: {
      on: { part: 'server/server-1' },
      when: { event: 'dial.established', fields: { node: 'server/server-1' } },
      do: { goaway: { code: 'ENHANCE_YOUR_CALM', text: 'too_many_pings' } },
    },
    says: 'tunnel closed',
    journal: { kind: 'agent.disconnected', error: /received prior goaway: code: ENHANCE_YOUR_CALM/ },
  },
  {
    id: 'S9',
    title: 'A client reads slowly, and all others of its agent wait',
    lab: { faithful: ['head-of-line-blocking'], timeScale: 20 },
    inject: { text: 'a client that sends 64 MiB to the echo pod, and reads slowly', run: readSlowly },
    provoke: logs,
    asks: '`kubectl logs`',
    works: 'listening',
    says: 'dial timeout, backstop',
    journal: { kind: 'dial.failed', node: 'apiserver/main', code: 'DIAL_TIMEOUT' },
    heals: 'When its connection has ended, the others go on.',
  },
  {
    id: 'A9',
    title: 'An older agent does not know a type of packet',
    lab: { timeScale: 2 },
    inject: [
      { on: { from: 'agent/node-1', to: 'kubelet/node-1' }, do: 'synDrop' },
      { on: tunnel, direction: 'toClient', do: { packet: { type: 'DIAL_CLS', is: 'lost' } } },
    ],
    provoke: givenUp(1500),
    asks: 'an exec that is given up after 3 s',
    says: 'the request was cancelled',
    journal: {
      kind: 'endpoint.failed',
      node: 'agent/node-1',
      error: 'dial tcp 10.0.1.11:10250: i/o timeout',
    },
  },
];
