import { request } from 'node:http';
import { request as requestTls } from 'node:https';
import { type Duplex, Readable } from 'node:stream';
import { json, text } from 'node:stream/consumers';
import { connect as connectTls } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import type { ProcessRuntime } from '../../../src/containers/process/process-runtime.js';
import type { Container, Pod } from '../../../src/kube/pod-objects.js';
import { createAuthority } from '../../../src/pki/authority.js';
import { eventually, soon } from '../../support/waits.js';
import { podOf, ref, run, startProcesses } from './process-support.js';

const never = new AbortController().signal;
let runtime: ProcessRuntime;
afterEach(() => runtime.close());

const named = (name: string, pod: Pod): Pod => ({
  ...pod,
  metadata: { ...pod.metadata, name, uid: `uid-of-${name}` },
});
const dial = (port: number, pod = ref.pod): Promise<Duplex> =>
  runtime.portForward({ namespace: 'default', pod, port }, never);

/** Starts a pod and waits until its port is open. */
async function start(main: Partial<Container>, port: number): Promise<void> {
  runtime = await startProcesses(podOf(main));
  await open(port);
}

const open = (port: number, pod = ref.pod): Promise<void> =>
  eventually(async () => void (await dial(port, pod)).destroy());

async function get(pod: string): Promise<string> {
  const socket = await dial(8080, pod);
  return soon((resolve, reject) => {
    request(
      { path: '/x', createConnection: () => socket },
      (answer) => void text(answer).then(resolve, reject),
    )
      .on('error', reject)
      .end();
  }, 'answer');
}

describe('images that serve, as processes', () => {
  it('konnsim/web has its port in its folder: two pods have the same, and none is on the network', async () => {
    const web = podOf({ image: 'konnsim/web', ports: [{ containerPort: 8080 }] });
    runtime = await startProcesses(named('web-a', web));
    runtime.addPod(named('web-b', web));
    for (const pod of ['web-a', 'web-b']) {
      await open(8080, pod);
      expect(await get(pod)).toBe(`pod: ${pod}\nnamespace: default\nnode: node-1\npath: /x\n`);
    }
    const log = await runtime.logs(
      { ...ref, pod: 'web-a', follow: false, previous: false, timestamps: false },
      never,
    );
    expect(await text(Readable.from(log))).toMatch(
      /^listening on :8080\n127\.0\.0\.1 - - \[.*\] "GET \/x HTTP\/1\.1" 200 \d+\n$/,
    );
    await expect(dial(8081, 'web-a')).rejects.toMatchObject({
      code: 'PORT_CLOSED',
      message: expect.stringContaining('dial tcp4 127.0.0.1:8081: connect: connection refused'),
    });
  });

  it('konnsim/echo echoes, and half-closes after its client', async () => {
    await start({ image: 'konnsim/echo' }, 7);
    const connection = await dial(7);
    connection.end('hello');
    expect(await text(connection)).toBe('hello');
    // Beside it runs what the client wants, as in every container.
    expect((await run(runtime, ['sh', '-c', 'ls -a | grep -c sock'])).out).toBe('1\n');
  });

  it('konnsim/webhook takes its certificate from the environment', async () => {
    const authority = await createAuthority();
    const pair = await authority.issue({ commonName: 'hook', dnsNames: ['hook'], usages: ['server'] });
    const env = [
      { name: 'TLS_CERT', value: pair.certPem },
      { name: 'TLS_KEY', value: pair.keyPem },
    ];
    await start({ image: 'konnsim/webhook', env }, 8443);
    const socket = connectTls({ socket: await dial(8443), servername: 'hook', ca: authority.certPem });
    const answer = await soon<unknown>((resolve, reject) => {
      const options = { path: '/validate', method: 'POST', createConnection: () => socket };
      const object = { metadata: { labels: { 'konnsim/deny': 'true' } } };
      requestTls(options, (response) => void json(response).then(resolve, reject))
        .on('error', reject)
        .end(JSON.stringify({ request: { uid: 'u', object } }));
    }, 'answer');
    expect(answer).toMatchObject({ response: { uid: 'u', allowed: false } });
  });

  it('end with their container, and close their connections', async () => {
    await start({ image: 'konnsim/echo' }, 7);
    const connection = await dial(7);
    const closed = soon((resolve) => connection.once('close', resolve), 'end of the connection');
    connection.on('error', () => undefined);
    await runtime.removePod('default', ref.pod, 0);
    await closed;
    await expect(dial(7)).rejects.toMatchObject({ code: 'POD_NOT_FOUND' });
  });
});
