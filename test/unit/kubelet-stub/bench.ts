import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { type Readable, Writable } from 'node:stream';
import type { Runtime } from '../../../src/containers/runtime.js';
import { createRealClock } from '../../../src/core/clock.js';
import type { EventBody } from '../../../src/core/events.js';
import type { KubeletConfig } from '../../../src/kubelet-stub/config.js';
import { type Kubelet, startKubelet } from '../../../src/kubelet-stub/kubelet.js';
import { KubeletClient } from '../../../src/lab/kubelet-client/kubelet-client.js';
import { type Authority, createAuthority } from '../../../src/pki/authority.js';
import type { KeyPair } from '../../../src/pki/key-pair.js';
import type { Dialer } from '../../../src/wire/client/dialer.js';
import type { TlsFiles } from '../../../src/wire/net/tls.js';
import { once } from '../../support/waits.js';

export const clock = createRealClock();

/** Certificates of one test file: issuing them is the slow part. */
export interface TestPki {
  readonly ca: Authority;
  readonly client: TlsFiles;
  readonly serving: { readonly cert: string; readonly key: string };
}

export function tlsFiles(ca: KeyPair, pair: KeyPair): TlsFiles {
  return { ca: ca.certPem, cert: pair.certPem, key: pair.keyPem };
}

export async function issueCertificates(): Promise<TestPki> {
  const ca = await createAuthority();
  const client = await ca.issue({ commonName: 'kube-apiserver-kubelet-client', usages: ['client'] });
  const serving = await ca.issue({
    commonName: 'system:node:node-1',
    usages: ['server'],
    ipAddresses: ['127.0.0.1'],
  });
  return { ca, client: tlsFiles(ca, client), serving: { cert: serving.certPem, key: serving.keyPem } };
}

/** Dials 127.0.0.1 directly and counts what it has open. */
export class DirectDialer implements Dialer {
  readonly open = new Set<Duplex>();
  dials = 0;

  async dial(host: string, port: number): Promise<Duplex> {
    this.dials++;
    const socket = connect({ host, port, noDelay: true });
    socket.on('error', () => undefined);
    this.open.add(socket);
    socket.once('close', () => this.open.delete(socket));
    await once(socket, 'connect');
    return socket;
  }
}

/** A kubelet, a client that reaches it, and the events of the kubelet. */
export interface Bench {
  readonly kubelet: Kubelet;
  readonly client: KubeletClient;
  readonly dialer: DirectDialer;
  readonly events: EventBody[];
  close(): Promise<void>;
}

export async function startBench(pki: TestPki, runtime: Runtime, config: KubeletConfig = {}): Promise<Bench> {
  const events: EventBody[] = [];
  const kubelet = await startKubelet({
    nodeName: 'node-1',
    tls: { ...pki.serving, clientCa: pki.ca.certPem },
    runtime,
    config,
    clock,
    emit: (event) => void events.push(event),
  });
  const dialer = new DirectDialer();
  const client = new KubeletClient({ dialer, ...kubelet.address, tls: pki.client, clock });
  return {
    kubelet,
    client,
    dialer,
    events,
    async close() {
      await client.close();
      await kubelet.close();
      await runtime.close();
    },
  };
}

/** Collects what is written, as text. */
export class TextSink extends Writable {
  text = '';

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

export const never = new AbortController().signal;

/** Reads to the end of the readable half, and does not touch the writable half. */
export async function readAll(stream: Readable): Promise<string> {
  let text = '';
  stream.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  await once(stream, 'end');
  return text;
}
