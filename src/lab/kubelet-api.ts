import { createRandom } from '../core/random.js';
import { KubeClient } from '../kube/kube-client.js';
import type { Service } from '../kube/pod-objects.js';
import type { WatchList } from '../kube/watch-list.js';
import { kubeletRateLimit, watchServices } from '../kubelet-stub/pod-source/pod-source.js';
import type { KeyPair } from '../pki/key-pair.js';
import type { LabContext } from './parts.js';

/** How many kubelets join at once: between those of a large lab, requests of others shall have their turns. */
const maxJoining = 64;

/** The API that kubelets use. */
export interface KnownApi {
  /** `https://host:port`. */
  readonly url: string;
  /** One watch for all kubelets: each open one costs a connection. */
  readonly services: WatchList<Service>;
}

/** The way of a lab's kubelets to the API, which is told once, when they shall use it. */
export class KubeletApi {
  private readonly context: LabContext;
  private readonly client: (url: string) => KubeClient;
  private known: (KnownApi & { readonly client: KubeClient }) | undefined;
  private readonly waiting: ((api: KnownApi) => Promise<void>)[] = [];
  private joining = 0;

  /** The watch of services uses the certificate of `node`. */
  constructor(context: LabContext, node: string) {
    this.context = context;
    this.client = (url) => kubeletClient(context, node, url);
  }

  /** Calls `begin` when the API is known and few others are joining. It shall resolve when that is done. */
  join(begin: (api: KnownApi) => Promise<void>): void {
    this.waiting.push(begin);
    this.next();
  }

  tell(url: string): void {
    const { clock, random } = this.context;
    const client = this.client(url);
    const services = watchServices({ client, clock, random: createRandom(random.below(2 ** 32)) });
    this.known = { url, client, services };
    for (let free = maxJoining; free > 0; free--) this.next();
  }

  async close(): Promise<void> {
    await this.known?.services.close();
    await this.known?.client.close();
  }

  private next(): void {
    if (this.known === undefined || this.joining >= maxJoining) return;
    const begin = this.waiting.shift();
    if (begin === undefined) return;
    this.joining += 1;
    void begin(this.known).finally(() => {
      this.joining -= 1;
      this.next();
    });
  }
}

/** A client with the certificate of a node. */
export function kubeletClient(context: LabContext, node: string, url: string): KubeClient {
  const { certPem: cert, keyPem: key } = kubeletPair(context, node);
  const tls = { ca: context.certificates.ca.certPem, cert, key };
  const access = { server: new URL(url), tls: () => tls, headers: () => ({}) };
  return new KubeClient({ access, clock: context.clock, limit: kubeletRateLimit });
}

export function kubeletPair({ certificates }: LabContext, node: string): KeyPair {
  const pair = certificates.kubelets.get(node);
  if (pair === undefined) throw new Error(`no certificate for kubelet ${node}`);
  return pair;
}
