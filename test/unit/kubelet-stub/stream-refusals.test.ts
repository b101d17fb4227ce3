import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Behaviour, RuntimeRefusal } from '../../../src/containers/behaviours.js';
import { createSandboxRuntime } from '../../../src/containers/sandbox-runtime.js';
import { ManualClock } from '../../../src/core/clock.js';
import { ignoreEvents } from '../../../src/core/events.js';
import { createRandom } from '../../../src/core/random.js';
import type { KubeletConfig } from '../../../src/kubelet-stub/config.js';
import { StreamTokens } from '../../../src/kubelet-stub/stream-tokens.js';
import { type Bench, clock, issueCertificates, never, startBench, type TestPki, TextSink } from './bench.js';
import { ask, upgrade } from './http-client.js';
import { pod } from './scripted-runtime.js';

const app = { namespace: 'default', pod: 'web-0', container: 'app' };
const inFlight = 'rpc error: code = ResourceExhausted desc = maximum number of in-flight requests exceeded';
const forPod = { name: 'web-0', namespace: 'default' };
const paths = [
  '/exec/default/web-0/app?command=echo&output=1',
  '/attach/default/web-0/app?output=1',
  '/portForward/default/web-0',
] as const;

let pki: TestPki;
let bench: Bench;
beforeAll(async () => {
  pki = await issueCertificates();
});
afterEach(() => bench.close());

async function start(config: KubeletConfig, behaviours: readonly Behaviour[] = []): Promise<void> {
  const options = { clock, random: createRandom(1), emit: ignoreEvents, behaviours };
  bench = await startBench(
    pki,
    createSandboxRuntime({ nodeName: 'node-1', pods: [pod], ...options }),
    config,
  );
}

const protocolOf = (path: string): string =>
  path.startsWith('/portForward') ? 'portforward.k8s.io' : 'v4.channel.k8s.io';

/** Asks for all three streams through both doors. */
async function refusals(): Promise<unknown[]> {
  const overHttp = await Promise.all(
    paths.map(async (path) => {
      const answer = await upgrade(bench.kubelet, pki.client, path, protocolOf(path));
      if (answer.kind === 'upgraded') answer.socket.destroy();
      return answer.kind === 'upgraded'
        ? 101
        : [answer.status, answer.headers['retry-after'], answer.body.toString()];
    }),
  );
  const streams = { stdout: new TextSink(), signal: never };
  const { client } = bench;
  const overGrpc = await Promise.all(
    [
      client.exec({ ...app, command: ['echo'], tty: false }, streams),
      client.attach(app, { ...streams, stdout: new TextSink() }),
      client.portForward({ namespace: 'default', pod: 'web-0', port: 80 }),
    ].map((call) =>
      call.then(
        () => 'served',
        ({ code, message }) => [code, message],
      ),
    ),
  );
  return [overHttp, overGrpc];
}

describe('streams that a container runtime does not set up', () => {
  it('are those above the limit: 429 with Retry-After, RESOURCE_EXHAUSTED over gRPC', async () => {
    await start({ maxInFlightStreams: 0 });
    const text = ['TOO_MANY_REQUESTS', inFlight];
    expect(await refusals()).toEqual([paths.map(() => [429, '60', inFlight]), [text, text, text]]);
  });

  it('are refused after all other checks, with and without an upgrade', async () => {
    await start({ maxInFlightStreams: 0 });
    const answer = (path: string) => ask(bench.kubelet, pki.client, path, { method: 'POST' });
    expect(await answer(paths[0])).toMatchObject({
      status: 429,
      text: inFlight,
      headers: { 'retry-after': '60' },
    });
    expect((await answer('/exec/default/web-0/app?command=echo')).status).toBe(400);
    expect((await answer('/exec/default/gone/app?command=echo&output=1')).status).toBe(404);
    expect((await answer('/exec/default/web-0/nope?command=echo&output=1')).status).toBe(500);
  });

  it('count requests without an upgrade, whose tokens are never fetched', async () => {
    await start({ maxInFlightStreams: 3 });
    const statuses = [];
    for (let request = 0; request < 4; request++)
      statuses.push((await ask(bench.kubelet, pki.client, paths[0], { method: 'POST' })).status);
    expect(statuses).toEqual([500, 500, 500, 429]);
    expect((await upgrade(bench.kubelet, pki.client, paths[0], 'v4.channel.k8s.io')).status).toBe(429);
  });

  it('are set up again after a minute', () => {
    const manual = new ManualClock();
    const tokens = new StreamTokens(manual, 2);
    tokens.leave();
    manual.advance(30_000);
    tokens.leave();
    expect(() => tokens.check()).toThrow(inFlight);
    manual.advance(30_001);
    tokens.check();
    tokens.leave();
    expect(() => tokens.check()).toThrow(inFlight);
  });

  it.each([
    ['ResourceExhausted', 429, '60', inFlight, 'TOO_MANY_REQUESTS'],
    [
      { code: 'ResourceExhausted', message: 'busy' },
      429,
      '60',
      'rpc error: code = ResourceExhausted desc = busy',
      'TOO_MANY_REQUESTS',
    ],
    [
      { code: 'NotFound', message: 'gone' },
      404,
      undefined,
      'rpc error: code = NotFound desc = gone',
      'CONTAINER_NOT_FOUND',
    ],
    [
      { code: 'Unavailable', message: 'no shim' },
      500,
      undefined,
      'rpc error: code = Unavailable desc = no shim',
      'NOT_READY',
    ],
  ] as const)(
    'are those that a behaviour names: %j',
    async (...[refused, status, retryAfter, text, code]) => {
      const rule: { readonly refused: RuntimeRefusal } = { refused };
      await start({}, [
        { kind: 'Exec', metadata: forPod, spec: { execs: [rule] } },
        { kind: 'ClusterAttach', metadata: { name: 'all' }, spec: { attaches: [rule] } },
        { kind: 'PortForward', metadata: forPod, spec: { forwards: [rule] } },
      ]);
      const grpc = [code, text];
      expect(await refusals()).toEqual([paths.map(() => [status, retryAfter, text]), [grpc, grpc, grpc]]);
      expect(bench.events).toContainEqual(
        expect.objectContaining({ kind: 'request.failed', status, error: text }),
      );
    },
  );
});
