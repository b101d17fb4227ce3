import { connect as http2Connect } from 'node:http2';
import { status } from '@grpc/grpc-js';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  closeRequest,
  connectId,
  dataPacket,
  dialId,
  dialRequest,
  dialSuccess,
} from '../../src/core/packet.js';
import { type CertificateSet, createCertificateSet } from '../../src/pki/certificate-set.js';
import type { ProxyServer } from '../../src/server/server.js';
import { encodeToBuffer } from '../../src/wire/codec/codec.js';
import { RawCall } from '../support/raw-call.js';
import { host, TunnelBench } from '../support/tunnel-bench.js';
import { once } from '../support/waits.js';

let certificates: CertificateSet;
let bench: TunnelBench;
let server: ProxyServer;

beforeAll(async () => {
  certificates = await createCertificateSet();
});

beforeEach(async () => {
  bench = await TunnelBench.create({ certificates, timeScale: 5 });
  server = await bench.server();
});

afterEach(() => bench.close());

function rawFrontend(): RawCall {
  const call = new RawCall({ address: server.frontendAddresses[0] ?? '', path: '/ProxyService/Proxy' });
  bench.onClose(() => call.close());
  return call;
}

function rawAgent(metadata: readonly (readonly [string, string])[] = [['agentid', 'raw']]): RawCall {
  const tls = bench.tls('agent');
  const call = new RawCall({ address: server.agentAddress, path: '/AgentService/Connect', tls, metadata });
  bench.onClose(() => call.close());
  return call;
}

const dial = (id: bigint) => dialRequest(`${host}:1`, dialId(id));

describe('an agent that is not ours', () => {
  it('R13: is told server ID and count before it sends anything', async () => {
    const metadata = await rawAgent().metadata;
    expect([metadata.get('serverid'), metadata.get('servercount')]).toEqual([['s1'], ['1']]);
  });

  it('R6: needs no identifiers', async () => {
    await rawAgent([
      ['agentid', 'raw'],
      ['agentidentifiers', ''],
    ]).metadata;
    expect(server.snapshot().backends).toBe(1);
  });

  it.each([
    [[], 'expected one agent ID in the context, got []'],
    [
      [
        ['agentid', 'a'],
        ['agentid', 'b'],
      ],
      'expected one agent ID in the context, got [a b]',
    ],
    [
      [
        ['agentid', 'a'],
        ['agentidentifiers', 'host=a'],
        ['agentidentifiers', 'host=b'],
      ],
      'expected at most one set of agent identifiers in the context, got [host=a host=b]',
    ],
  ] as const)('R6: with metadata %j is refused', async (metadata, details) => {
    expect(await rawAgent(metadata).status).toMatchObject({ code: status.UNKNOWN, details });
    expect(server.snapshot().backends).toBe(0);
  });

  it('R2: may send unknown types and fields', async () => {
    const agent = rawAgent();
    await agent.metadata;
    agent.call.write(Buffer.from([0x08, 0x63]));
    agent.call.write(Buffer.alloc(0));
    const frontend = rawFrontend();
    frontend.send(dial(7n));
    await expect.poll(() => agent.received).toEqual([`DIAL_REQ 7 ${host}:1`]);
    // The DIAL_RSP with an unknown field 15 behind it.
    agent.call.write(
      Buffer.concat([encodeToBuffer(dialSuccess(dialId(7n), connectId(1n))), Buffer.from([0x78, 1])]),
    );
    await expect.poll(() => frontend.received).toEqual(['DIAL_RSP 7 ok 1']);
  });

  it('R4: loses its stream when its message is not protobuf, and others do not', async () => {
    await bench.connectedAgent(server);
    const agent = rawAgent();
    await agent.metadata;
    expect(server.snapshot().backends).toBe(2);
    agent.call.write(Buffer.from([0xff, 0xff, 0xff]));
    expect((await agent.status).code).toBe(status.INTERNAL);
    expect(server.snapshot().backends).toBe(1);
  });

  it('R4: that announces a message of more than 4 MiB loses its stream', async () => {
    const { ca, cert, key } = bench.tls('agent');
    const session = http2Connect(`https://${server.agentAddress}`, { ca, cert, key });
    const stream = session.request({
      ...{ ':method': 'POST', ':path': '/AgentService/Connect' },
      ...{ 'content-type': 'application/grpc', te: 'trailers', agentid: 'raw' },
    });
    await once(stream, 'response');
    expect(server.snapshot().backends).toBe(1);
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE((4 << 20) + 1, 1);
    stream.write(prefix);
    stream.resume();
    const [trailers] = (await once(stream, 'trailers')) as [Record<string, string>];
    expect(trailers['grpc-status']).toBe(String(status.RESOURCE_EXHAUSTED));
    expect(server.snapshot().backends).toBe(0);
    session.destroy();
  });
});

describe('a frontend that is not ours', () => {
  it('R4: loses its stream and its connection when its message is not protobuf', async () => {
    const agent = rawAgent();
    await agent.metadata;
    const frontend = rawFrontend();
    frontend.send(dial(7n));
    await expect.poll(() => agent.received).toHaveLength(1);
    agent.call.write(encodeToBuffer(dialSuccess(dialId(7n), connectId(1n))));
    await expect.poll(() => frontend.received).toHaveLength(1);
    frontend.call.write(Buffer.from([0xff]));
    expect((await frontend.status).code).toBe(status.INTERNAL);
    await expect.poll(() => agent.received.at(-1)).toBe('CLOSE_REQ 1');
    expect(server.snapshot()).toMatchObject({ frontends: 0, established: 0 });
  });

  it('R9, R19: that leaves its stream open after a refusal is ended by the server', async () => {
    const frontend = rawFrontend();
    frontend.send(dial(7n));
    const began = bench.clock.now();
    expect((await frontend.status).code).toBe(status.OK);
    expect(bench.clock.now() - began).toBeGreaterThanOrEqual(9500);
    expect(frontend.received).toEqual(['DIAL_RSP 7 No agent available']);
    expect(server.snapshot().frontends).toBe(0);
  });

  it('R18: is answered when it closes what never was', async () => {
    const frontend = rawFrontend();
    frontend.send(closeRequest(connectId(3n)));
    await expect.poll(() => frontend.received).toEqual(['CLOSE_RSP 3 backend uninitialized']);
  });

  it('R19: that does not read is cut, and its agent serves others again', async () => {
    const agent = rawAgent();
    await agent.metadata;
    const frontend = rawFrontend();
    frontend.send(dial(7n));
    await expect.poll(() => agent.received).toHaveLength(1);
    agent.send(dialSuccess(dialId(7n), connectId(1n)));
    await expect.poll(() => frontend.received).toHaveLength(1);
    frontend.call.pause();
    const chunk = Buffer.alloc(64 * 1024);
    for (let sent = 0; sent < 200; sent += 1) agent.send(dataPacket(connectId(1n), chunk));
    const closed = await bench.waitFor({ kind: 'connection.closed' });
    expect(closed.text).toBe('frontend_stalled');
    await expect.poll(() => agent.received.at(-1)).toBe('CLOSE_REQ 1');
    const other = rawFrontend();
    other.send(dial(8n));
    agent.send(dialSuccess(dialId(8n), connectId(2n)));
    await expect.poll(() => agent.received).toContain(`DIAL_REQ 8 ${host}:1`);
    frontend.call.resume();
    expect((await frontend.status).code).toBe(status.CANCELLED);
  });
});
