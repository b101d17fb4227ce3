import { startApiServer } from '../../../src/apiserver/api-server.js';
import { type StoreServer, startStoreServer } from '../../../src/apiserver/controllers/store-server.js';
import { MemoryStore } from '../../../src/apiserver/store/object-store.js';
import { RemoteStore } from '../../../src/apiserver/store/remote/remote-store.js';
import { StoreRuns } from '../../../src/apiserver/store/remote/store-runs.js';
import { createRealClock } from '../../../src/core/clock.js';
import type { EventBody } from '../../../src/core/events.js';
import { createRandom } from '../../../src/core/random.js';
import type { KeyPair } from '../../../src/pki/key-pair.js';
import { type Credentials, loopbackDialer, type TestApi } from './fixture.js';

const clock = createRealClock();
const host = '127.0.0.1';

export interface StoreKeys {
  readonly server: KeyPair;
  readonly client: KeyPair;
  readonly stranger: KeyPair;
}

export async function makeStoreKeys({ ca }: Credentials): Promise<StoreKeys> {
  const [server, client, stranger] = await Promise.all([
    ca.issue({ commonName: 'konnsim-store', usages: ['server'] }),
    ca.issue({ commonName: 'kube-apiserver-store-client', usages: ['client'] }),
    ca.issue({ commonName: 'system:node:node-1', usages: ['client'] }),
  ]);
  return { server, client, stranger };
}

/** A store, and replicas of the API that are connected to it over gRPC and mTLS. */
export class StoreBench {
  readonly events: EventBody[] = [];
  store = new MemoryStore(clock);
  private runs: StoreRuns | undefined;
  private server: StoreServer | undefined;
  private address = `${host}:0`;
  private readonly credentials: Credentials;
  private readonly keys: StoreKeys;
  private readonly open: { close(): void | Promise<void> }[] = [];

  constructor(credentials: Credentials, keys: StoreKeys) {
    this.credentials = credentials;
    this.keys = keys;
  }

  /** Starts it again at its old address with its old objects, as a process that reads its files. */
  async start(): Promise<void> {
    if (this.store.revision === 0) this.store.fill({});
    this.runs = new StoreRuns(this.runs?.all ?? [], this.store.revision);
    const { server: pair } = this.keys;
    const [, port] = this.address.split(':');
    this.server = await startStoreServer({
      host,
      port: Number(port),
      tls: { ca: this.credentials.ca.certPem, cert: pair.certPem, key: pair.keyPem },
      clients: ['kube-apiserver-store-client'],
      store: this.store,
      runs: this.runs,
      clock,
      random: createRandom(1),
      emit: (event) => this.events.push(event),
    });
    this.address = this.server.address;
  }

  async stop(): Promise<void> {
    await this.server?.close();
  }

  /** Loses everything, as a store without files on disk. */
  lose(): void {
    this.store = new MemoryStore(clock);
    this.runs = undefined;
  }

  get followers(): number {
    return this.server?.followers ?? 0;
  }

  mirror(name: string, key = this.keys.client): RemoteStore {
    const { certPem: cert, keyPem } = key;
    const store = new RemoteStore({
      node: `apiserver/${name}`,
      address: this.address,
      tls: { ca: this.credentials.ca.certPem, cert, key: keyPem },
      clock,
      emit: (event) => this.events.push(event),
    });
    this.open.unshift(store);
    return store;
  }

  async replica(name: string): Promise<TestApi & { readonly mirror: RemoteStore }> {
    const { ca, serving, kubeletClient } = this.credentials;
    const mirror = this.mirror(name);
    await mirror.ready(5000);
    const api = await startApiServer({
      name,
      tls: { cert: serving.certPem, key: serving.keyPem, clientCa: ca.certPem },
      dialer: loopbackDialer,
      kubeletTls: { ca: ca.certPem, cert: kubeletClient.certPem, key: kubeletClient.keyPem },
      clock,
      store: mirror,
      emit: (event) => this.events.push(event),
    });
    this.open.unshift(api);
    const { store, events, credentials } = this;
    return { api, mirror, store, events, credentials, close: () => api.close() };
  }

  async close(): Promise<void> {
    for (const each of this.open) await each.close();
    await this.stop();
  }
}
