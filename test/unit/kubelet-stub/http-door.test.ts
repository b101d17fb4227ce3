import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TunnelError } from '../../../src/core/errors.js';
import { createAuthority } from '../../../src/pki/authority.js';
import { eventually, once } from '../../support/waits.js';
import { type Bench, issueCertificates, startBench, type TestPki, tlsFiles } from './bench.js';
import { ask, open } from './http-client.js';
import { pod, ScriptedRuntime } from './scripted-runtime.js';

const app = 'default/web-0/app';

describe('the HTTP API of a kubelet', () => {
  let pki: TestPki;
  let runtime: ScriptedRuntime;
  let bench: Bench;

  beforeAll(async () => {
    pki = await issueCertificates();
  });
  beforeEach(async () => {
    runtime = new ScriptedRuntime();
    bench = await startBench(pki, runtime);
  });
  afterEach(() => bench.close());

  const get = (path: string, method = 'GET') => ask(bench.kubelet, pki.client, path, { method });

  it('answers health checks with ok', async () => {
    for (const path of ['/healthz', '/healthz/ping', '/healthz/log', '/healthz/syncloop']) {
      expect(await get(path)).toMatchObject({ status: 200, text: 'ok' });
    }
  });

  it('lists its pods as a v1 PodList, and running pods as the runtime knows them under /runningpods/', async () => {
    const list = { kind: 'PodList', apiVersion: 'v1', metadata: {} };
    const containers = ['app', 'shell'].map((name) => ({ name, image: 'nginx', resources: {} }));
    const metadata = { name: 'web-0', namespace: 'default', uid: 'u-1', creationTimestamp: null };
    const cases = [
      ['/pods', pod],
      ['/pods/', pod],
      ['/runningpods/', { metadata, spec: { containers }, status: {} }],
    ] as const;
    for (const [path, item] of cases) {
      const answer = await get(path);
      expect(JSON.parse(answer.text)).toEqual({ ...list, items: [item] });
      expect(answer.headers['content-type']).toBe('application/json');
    }
    runtime.listPods = () => [];
    for (const [path] of cases) expect(JSON.parse((await get(path)).text)).toEqual({ ...list, items: null });
  });

  it('answers unknown paths and wrong methods as Go and go-restful do, each in its own words', async () => {
    const byMux = '404 page not found\n';
    const byRouter = '404: Page Not Found';
    const cases = [
      ['/', byMux],
      ['/nope', byMux],
      ['/metrics/none', byMux],
      ['/healthz/', byMux],
      ['/healthz/none', byMux],
      ['/debug', byMux],
      ['/statusz', byMux],
      ['/exec/a/b', byRouter],
      ['/exec', byRouter],
      ['/containerLogs/a/b/c/d', byRouter],
      ['/pods/x', byRouter],
      ['/stats/container', byRouter],
    ] as const;
    for (const [path, text] of cases) expect(await get(path), path).toMatchObject({ status: 404, text });
    const wrong = [
      ['/pods', 'DELETE', 'GET'],
      ['/pods', 'POST', 'GET'],
      ['/runningpods/', 'PUT', 'GET'],
      ['/stats/summary', 'POST', 'GET'],
      ['/containerLogs/default/web-0/app', 'POST', 'GET'],
      ['/exec/default/web-0/app', 'PUT', 'GET, POST'],
      ['/run/default/web-0/app', 'GET', 'POST'],
      ['/checkpoint/default/web-0/app', 'GET', 'POST'],
    ] as const;
    for (const [path, method, allow] of wrong) {
      const text = '405: Method Not Allowed';
      expect(await get(path, method), path).toMatchObject({ status: 405, text, headers: { allow } });
    }
    for (const path of ['/pods', '/logs/']) expect((await get(path, 'HEAD')).status).toBe(405);
    for (const path of ['/metrics', '/metrics/resource', '/healthz', '/configz'])
      expect((await get(path, 'POST')).status).toBe(200);
    expect(await get('/%zz')).toMatchObject({ status: 400, text: '400 Bad Request' });
  });

  it('redirects other spellings of a path, without authentication', async () => {
    const cases = [
      ['/logs', '/logs/'],
      ['/runningpods?a=1', '/runningpods/?a=1'],
      ['/stats', '/stats/'],
      ['/debug/pprof', '/debug/pprof/'],
      ['/exec//default/web-0/app', '/exec/default/web-0/app'],
      ['/logs/../pods', '/pods'],
      ['/logs/%2e%2e/%2e%2e/etc/passwd', '/etc/passwd'],
    ] as const;
    for (const [path, location] of cases) {
      const answer = await ask(bench.kubelet, { ca: pki.client.ca }, path);
      expect(answer, path).toMatchObject({ status: 301, headers: { location } });
      expect(answer.text).toBe(`<a href="${location}">Moved Permanently</a>.\n\n`);
    }
    expect((await ask(bench.kubelet, { ca: pki.client.ca }, '/nope')).status).toBe(404);
    expect((await ask(bench.kubelet, { ca: pki.client.ca }, '/pods')).status).toBe(401);
  });

  it('lists health checks with verbose, and leaves out those in exclude', async () => {
    const lines = '[+]ping ok\n[+]log ok\n[+]syncloop ok\nhealthz check passed\n';
    expect((await get('/healthz?verbose')).text).toBe(lines);
    expect((await get('/healthz?exclude=log')).text).toBe('ok');
    expect((await get('/healthz?verbose=1&exclude=log&exclude=etcd')).text).toBe(
      '[+]ping ok\n[+]log excluded: ok\n[+]syncloop ok\n' +
        'warn: some health checks cannot be excluded: no matches for "etcd"\nhealthz check passed\n',
    );
    expect((await get('/healthz/log?verbose')).text).toBe('ok');
  });

  it('answers a peer without a certificate of its client CA with 401 Unauthorized', async () => {
    const foreign = await createAuthority();
    const pair = await foreign.issue({ commonName: 'kube-apiserver-kubelet-client', usages: ['client'] });
    const identities = [{ ca: pki.client.ca }, { ...tlsFiles(foreign, pair), ca: pki.client.ca }];
    for (const identity of identities) {
      const answer = await ask(bench.kubelet, identity, '/pods');
      expect([answer.status, answer.text]).toEqual([401, 'Unauthorized']);
    }
    expect(bench.events).toContainEqual(
      expect.objectContaining({
        kind: 'request.failed',
        status: 401,
        error: 'Unauthorized: no client certificate was presented',
      }),
    );
  });

  it('requires an upgrade on the paths of streams, after it has checked the request', async () => {
    const cases = [
      [`/exec/${app}?command=ls&output=1`, 500, 'Upgrade request required\n'],
      ['/attach/default/web-0/u-1/app?input=1', 500, 'Upgrade request required\n'],
      ['/portForward/default/web-0', 500, 'Upgrade request required\n'],
      [`/exec/${app}?command=ls`, 400, 'you must specify at least 1 of stdin, stdout, stderr'],
      [`/exec/${app}?command=ls&output=true`, 400, 'you must specify at least 1 of stdin, stdout, stderr'],
      ['/exec/default/gone/app?command=ls&output=1', 404, 'pod does not exist'],
      ['/exec/default/web-0/u-2/app?command=ls&output=1', 404, 'pod does not exist'],
      ['/exec/default/web-0/nope?command=ls&output=1', 500, 'container not found ("nope")'],
      ['/attach/default/web-0/nope?output=1', 500, 'container nope not found in pod web-0_default'],
      ['/portForward/default/gone', 404, 'pod does not exist'],
      ['/portForward/default/web-0/u-2', 404, 'pod not found'],
    ] as const;
    for (const [path, status, text] of cases) {
      expect(await get(path, 'POST'), path).toMatchObject({ status, text });
    }
  });

  it('runs the command of /run and gives its output, or 500 with the reason', async () => {
    const cases = [
      [`/run/${app}?cmd=echo%20a%20b`, 200, 'a b\nnoted\n'],
      [`/run/${app}?cmd=exit%203`, 500, "command 'exit 3' exited with 3: "],
      [`/run/${app}?cmd=broken`, 500, 'the shim is gone'],
      ['/run/default/gone/app?cmd=echo', 404, 'pod does not exist'],
      ['/run/default/web-0/u-1/nope?cmd=echo', 500, 'container not found ("nope")'],
    ] as const;
    for (const [path, status, text] of cases) {
      const answer = await get(path, 'POST');
      expect(answer, path).toMatchObject({ status, text });
      const type = status === 200 ? 'application/json' : 'text/plain; charset=utf-8';
      expect(answer.headers['content-type']).toBe(type);
    }
  });

  describe('/containerLogs', () => {
    it('sends a log in chunks', async () => {
      const answer = await get(`/containerLogs/${app}`);
      expect([answer.status, answer.text]).toEqual([200, 'one\ntwo\n']);
      expect(answer.headers['transfer-encoding']).toBe('chunked');
    });

    it('hands decoded options to the runtime', async () => {
      const query = 'follow=0&timestamps=&sinceTime=2026-03-01T10:00:00.5Z&tailLines=7&limitBytes=99';
      await get(`/containerLogs/${app}?${query}`);
      expect(runtime.logRequests).toEqual([
        {
          ...{ namespace: 'default', pod: 'web-0', container: 'app' },
          ...{ follow: false, previous: false, timestamps: true, tailLines: 7, limitBytes: 99 },
          sinceTimeMs: Date.parse('2026-03-01T10:00:00.500Z'),
        },
      ]);
    });

    it('words its refusals as the kubelet does', async () => {
      const cases = [
        [`${app}?tailLines=x`, 400, '{"message": "Unable to decode query."}'],
        [`${app}?sinceTime=yesterday`, 400, '{"message": "Unable to decode query."}'],
        [`${app}?tailLines=-1`, 422, '{"message": "Invalid request."}'],
        [`${app}?limitBytes=0`, 422, '{"message": "Invalid request."}'],
        ['default/gone/app', 404, 'pod "gone" does not exist'],
        ['default/web-0/nope', 404, 'container "nope" not found in pod "web-0"'],
        [`${app}?previous=true`, 400, 'previous terminated container "app" in pod "web-0" not found'],
      ] as const;
      for (const [path, status, text] of cases) {
        expect(await get(`/containerLogs/${path}`), path).toMatchObject({ status, text });
      }
    });

    it('gives a single stream when its feature gate is on, and otherwise says how to turn it on', async () => {
      const refusal =
        'unable to return the given log stream: "Stderr". Please enable PodLogsQuerySplitStreams feature gate in kubelet';
      const cases = [
        [`${app}?stream=All`, 200, 'one\ntwo\n'],
        [`${app}?stream=Stderr`, 400, refusal],
        [`${app}?stream=Stderr&tailLines=1`, 422, '{"message": "Invalid request."}'],
        [`${app}?stream=Both`, 422, '{"message": "Invalid request."}'],
        ['default/gone/app?stream=Stderr', 404, 'pod "gone" does not exist'],
        ['default/web-0/nope?stream=Stderr', 404, 'container "nope" not found in pod "web-0"'],
      ] as const;
      for (const [path, status, text] of cases) {
        expect(await get(`/containerLogs/${path}`), path).toMatchObject({ status, text });
      }
      const featureGates = { PodLogsQuerySplitStreams: true };
      const split = await startBench(pki, runtime, { featureGates });
      const path = `/containerLogs/${app}?stream=Stderr`;
      expect((await ask(split.kubelet, pki.client, path)).status).toBe(200);
      expect(runtime.logRequests.map(({ stream }) => stream)).toEqual([undefined, 'stderr']);
      const { kubeletconfig } = JSON.parse((await ask(split.kubelet, pki.client, '/configz')).text);
      expect(kubeletconfig.featureGates).toEqual(featureGates);
      await split.close();
    });

    it('refuses an unknown feature gate', async () => {
      const featureGates = { PodLogsQuerySplitStream: true } as object;
      await expect(startBench(pki, runtime, { featureGates })).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        message: 'featureGates: unrecognized feature gate: PodLogsQuerySplitStream',
      });
    });

    it('sends the head of a followed log before its first line, and stops when the client leaves', async () => {
      runtime.logLines = [];
      const response = await open(bench.kubelet, pki.client, `/containerLogs/${app}?follow=true`);
      expect(response.statusCode).toBe(200);
      await runtime.hasStarted;
      response.destroy();
      await runtime.hasAborted;
      await eventually(() => expect(bench.kubelet.openRequests).toBe(0));
      expect(bench.events.at(-1)).toMatchObject({ kind: 'request.finished', status: 200 });
    });

    it.each([
      ['half', new Error('disk gone'), 'half\n', 'disk gone [LOGS_UNAVAILABLE]'],
      ['a line\n', new TunnelError('READER_TOO_SLOW', 'behind'), 'a line\n', 'behind [READER_TOO_SLOW]'],
    ])(
      'ends a log whose reader fails after %j with the reason, and without the last chunk',
      async (log, cause, shown, error) => {
        runtime.logs = async () =>
          (async function* () {
            yield Buffer.from(log);
            throw cause;
          })();
        const response = await open(bench.kubelet, pki.client, `/containerLogs/${app}`);
        let received = '';
        response.on('data', (chunk: Buffer) => {
          received += chunk.toString();
        });
        const [cut] = (await once(response, 'error')) as [Error];
        expect(cut.message).toBe('aborted');
        expect(received).toBe(`${shown}${error}\n`);
        await eventually(() => expect(bench.events.at(-1)).toMatchObject({ kind: 'request.failed', error }));
      },
    );
  });

  it('counts sinceSeconds back from the wall time of the lab', async () => {
    const now = Date.now();
    await get(`/containerLogs/${app}?sinceSeconds=60`);
    expect(runtime.logRequests[0]?.sinceTimeMs).toBeGreaterThan(now - 61_000);
    expect(runtime.logRequests[0]?.sinceTimeMs).toBeLessThan(Date.now() - 59_000);
  });

  it('ties its events to the audit ID of the request', async () => {
    await ask(bench.kubelet, pki.client, '/healthz', { headers: { 'Audit-ID': 'a-1' } });
    expect(bench.events.slice(1)).toEqual([
      expect.objectContaining({
        kind: 'request.started',
        request: 'a-1',
        protocol: 'http',
        path: '/healthz',
      }),
      expect.objectContaining({ kind: 'request.finished', request: 'a-1', status: 200 }),
    ]);
  });
});
