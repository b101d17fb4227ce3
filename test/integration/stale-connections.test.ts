import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { FaithfulName } from '../../src/core/faithful.js';
import { unrecognizedText } from '../../src/core/packet.js';
import { onlyAgentText, onlyServerText, unansweredText } from '../../src/core/server/held.js';
import { type CertificateSet, createCertificateSet } from '../../src/pki/certificate-set.js';
import type { TunnelClient } from '../../src/wire/client/tunnel-client.js';
import { deferred } from '../support/deferred.js';
import { LossyRelay } from '../support/lossy-relay.js';
import { host, TunnelBench } from '../support/tunnel-bench.js';
import { once, until, within } from '../support/waits.js';

/** A minute, in which what is stale ends, is a second. */
const timeScale = 60;

let certificates: CertificateSet;
let bench: TunnelBench;

beforeAll(async () => {
  certificates = await createCertificateSet();
});

beforeEach(async () => {
  bench = await TunnelBench.create({ certificates, timeScale });
});

afterEach(() => bench.close());

async function ends(faithful: readonly FaithfulName[] = []): Promise<{
  relay: LossyRelay;
  client: TunnelClient;
}> {
  const server = await bench.server();
  const { relay, address } = await LossyRelay.start(bench, server);
  await bench.agent(address, { as: 'ideal', faithful }).start();
  await bench.waitFor({ kind: 'backend.connected' });
  await bench.waitFor({ kind: 'agent.connected' });
  return { relay, client: bench.client(server) };
}

/** An endpoint that says nothing, and its next socket. */
async function silent(): Promise<{ port: number; accepted: Promise<Socket> }> {
  const accepted = deferred<Socket>();
  const port = await bench.endpoint((socket) => accepted.resolve(socket.resume()));
  return { port, accepted: within(accepted.promise, 'socket of the endpoint') };
}

async function expectEcho(stream: Duplex): Promise<void> {
  stream.write('still here');
  expect(String((await once(stream, 'data'))[0])).toBe('still here');
  stream.destroy();
}

const staleEvent = (text: string) =>
  bench.waitFor({
    kind: 'connection.stale',
    node: 'server/s1',
    peer: 'agent/a1',
    code: 'STALE_CONNECTION',
    text,
  });

describe('R32, R33: a connection that one end has forgotten is closed, and a quiet one is not', () => {
  it('when both CLOSE_REQ of its client are lost', async () => {
    const { relay, client } = await ends();
    const live = await client.dial(host, await bench.echo());
    const { port, accepted } = await silent();
    const stream = await client.dial(host, port);
    const socket = await accepted;
    relay.loses = ({ type }) => type === 'CLOSE_REQ' && relay.lost.length < 2;
    stream.destroy();
    await staleEvent(unansweredText);
    await until(() => socket.readableEnded);
    await expectEcho(live);
  });

  it('when the CLOSE_RSP of its endpoint is lost', async () => {
    const { relay, client } = await ends();
    const live = await client.dial(host, await bench.echo());
    const { port, accepted } = await silent();
    const stream = await client.dial(host, port);
    relay.loses = ({ type }) => type === 'CLOSE_RSP' && relay.lost.length < 1;
    const broken = once(stream, 'error');
    (await accepted).end();
    const [error] = (await broken) as [unknown];
    expect(error).toMatchObject({ code: 'TUNNEL_CLOSED', message: unrecognizedText });
    await staleEvent(onlyServerText);
    await expectEcho(live);
  });

  it('when the answer to its dial is lost, and that the dial was given up', async () => {
    const { relay, client } = await ends();
    const live = await client.dial(host, await bench.echo());
    const { port, accepted } = await silent();
    relay.loses = ({ type }) => type === 'DIAL_RSP' || type === 'DIAL_CLS';
    const giveUp = new AbortController();
    const dial = client.dial(host, port, { signal: giveUp.signal });
    const failed = expect(dial).rejects.toMatchObject({ code: 'DIAL_CANCELLED' });
    await until(() => relay.lost.length === 1);
    giveUp.abort();
    await failed;
    await staleEvent(onlyAgentText);
    const socket = await accepted;
    await until(() => socket.readableEnded);
    await expectEcho(live);
  });
});

it('R31: an agent with `lost-close-unnoticed` does not offer to look for them', async () => {
  const { relay } = await ends(['lost-close-unnoticed']);
  expect(relay.offered).toEqual(['fc1']);
});
