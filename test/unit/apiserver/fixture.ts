import type { IncomingMessage } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ApiServer, type ApiServerOptions, startApiServer } from '../../../src/apiserver/api-server.js';
import type {
  InitialObjects,
  LocalStore,
  ObjectStoreOptions,
} from '../../../src/apiserver/store/object-store.js';
import { createObjectStore } from '../../../src/apiserver/store/object-store.js';
import { type Clock, createRealClock } from '../../../src/core/clock.js';
import { TunnelError } from '../../../src/core/errors.js';
import type { EventBody } from '../../../src/core/events.js';
import { type Authority, createAuthority } from '../../../src/pki/authority.js';
import type { KeyPair } from '../../../src/pki/key-pair.js';
import type { Dialer } from '../../../src/wire/client/dialer.js';
import { each, once, soon } from '../../support/waits.js';

/** Certificates of one cluster, made once per test file. */
export interface Credentials {
  readonly ca: Authority;
  readonly serving: KeyPair;
  readonly admin: KeyPair;
  readonly kubeletClient: KeyPair;
}

export async function makeCredentials(): Promise<Credentials> {
  const ca = await createAuthority();
  const [serving, admin, kubeletClient] = await Promise.all([
    ca.issue({ commonName: 'kube-apiserver', usages: ['server'] }),
    ca.issue({ commonName: 'admin', organizations: ['system:masters', 'dev'], usages: ['client'] }),
    ca.issue({ commonName: 'kube-apiserver-kubelet-client', usages: ['client'] }),
  ]);
  return { ca, serving, admin, kubeletClient };
}

/** Dials `127.0.0.1` for any host, like a tunnel that reaches every node. */
export const loopbackDialer: Dialer = {
  dial: (_host, port) =>
    new Promise<Duplex>((resolve, reject) => {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', (error) => reject(new TunnelError('DIAL_FAILED', error.message)));
      socket.once('connect', () => resolve(socket));
    }),
};

export interface TestApi {
  readonly api: ApiServer;
  readonly store: LocalStore;
  readonly events: EventBody[];
  readonly credentials: Credentials;
  close(): Promise<void>;
}

export interface TestApiWish extends Partial<Omit<ApiServerOptions, 'store' | 'emit'>> {
  readonly objects?: InitialObjects;
  readonly storeOptions?: ObjectStoreOptions;
}

export async function startTestApi(credentials: Credentials, wish: TestApiWish = {}): Promise<TestApi> {
  const { objects = {}, storeOptions, ...options } = wish;
  const clock: Clock = options.clock ?? createRealClock();
  const store = createObjectStore(objects, clock, storeOptions);
  const events: EventBody[] = [];
  const { ca, serving, kubeletClient } = credentials;
  const api = await startApiServer({
    tls: { cert: serving.certPem, key: serving.keyPem, clientCa: ca.certPem },
    dialer: loopbackDialer,
    kubeletTls: { ca: ca.certPem, cert: kubeletClient.certPem, key: kubeletClient.keyPem },
    clock,
    ...options,
    store,
    emit: (event) => events.push(event),
  });
  return { api, store, events, credentials, close: () => api.close() };
}

export interface CallOptions {
  readonly method?: string;
  readonly accept?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: the admin's certificate. */
  readonly credential?: { readonly certPem: string; readonly keyPem: string } | 'none';
  readonly body?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
  /** The body as JSON; throws when it is not JSON. */
  json<T = Record<string, unknown>>(): T;
}

/** Sends a request over HTTP/1.1 and resolves with the response as soon as its head is there. */
export async function open(test: TestApi, path: string, options: CallOptions = {}): Promise<IncomingMessage> {
  const request = httpsRequest(requestOptions(test, path, options));
  request.end(options.body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.on('error', () => undefined);
  return response;
}

/** Sends a request and waits for the whole answer. */
export async function call(test: TestApi, path: string, options: CallOptions = {}): Promise<Answer> {
  const response = await open(test, path, options);
  const text = (await response.toArray()).join('');
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text,
    json: () => JSON.parse(text),
  };
}

export function requestOptions(test: TestApi, path: string, options: CallOptions): RequestOptions {
  const { ca, admin } = test.credentials;
  const credential = options.credential ?? admin;
  return {
    host: '127.0.0.1',
    port: Number(test.api.address.split(':')[1]),
    path,
    method: options.method ?? 'GET',
    ca: ca.certPem,
    agent: false,
    ...(credential === 'none' ? {} : { cert: credential.certPem, key: credential.keyPem }),
    headers: {
      ...(options.body === undefined ? {} : { 'content-length': String(Buffer.byteLength(options.body)) }),
      ...(options.accept === undefined ? {} : { accept: options.accept }),
      ...options.headers,
    },
  };
}

export const tableAccept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';

/** Reads a stream of JSON lines one by one. */
export function jsonLines(response: IncomingMessage): AsyncIterator<Record<string, unknown>> {
  return readLines(response)[Symbol.asyncIterator]();
}

async function* readLines(response: IncomingMessage): AsyncIterable<Record<string, unknown>> {
  let rest = '';
  for await (const chunk of each(response, 'part of the answer')) {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield JSON.parse(line) as Record<string, unknown>;
  }
}

/** Resolves when a stream has closed, for any reason. */
export function closed(stream: NodeJS.EventEmitter): Promise<void> {
  return soon((resolve) => {
    stream.once('close', () => resolve());
  }, 'end of the connection');
}
