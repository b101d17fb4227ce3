import { createRandom } from '../core/random.js';
import { Turns } from '../core/turns.js';
import { KubeClient } from '../kube/kube-client.js';
import type { Service } from '../kube/pod-objects.js';
import type { WatchList } from '../kube/watch-list.js';
import { kubeletRateLimit, watchServices } from '../kubelet-stub/pod-source/pod-source.js';
import type { KeyPair } from '../pki/key-pair.js';
import type { LabContext } from './parts.js';

/** How many kubelets join at once: between those of a large lab, requests of others shall have their turns. */
const maxJoining = 64;

/** One for its watch of pods, one for everything else: each costs memory at both ends, and a handshake. */
const connections = 2;

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
  private readonly turns = new Turns(maxJoining);
  private readonly told: Promise<KnownApi>;
  private tellAll: (api: KnownApi) => void = () => undefined;
  private known: (KnownApi & { readonly client: KubeClient }) | undefined;

  /** The watch of services uses the certificate of `node`. */
  constructor(context: LabContext, node: string) {
    this.context = context;
    this.client = (url) => kubeletClient(context, node, url);
    this.told = new Promise((resolve) => {
      this.tellAll = resolve;
    });
  }

  /** Calls `begin` when the API is known and few others are joining. It shall resolve when that is done. */
  join(begin: (api: KnownApi) => Promise<void>): void {
    void this.told.then((api) => this.turns.during(() => begin(api)));
  }

  tell(url: string): void {
    const { clock, random } = this.context;
    const client = this.client(url);
    const services = watchServices({ client, clock, random: createRandom(random.below(2 ** 32)) });
    this.known = { url, client, services };
    this.tellAll(this.known);
  }

  async close(): Promise<void> {
    await this.known?.services.close();
    await this.known?.client.close();
  }
}

/** A client with the certificate of a node. */
export function kubeletClient(context: LabContext, node: string, url: string): KubeClient {
  const { certPem: cert, keyPem: key } = kubeletPair(context, node);
  const tls = { ca: context.certificates.ca.certPem, cert, key };
  const access = { server: new URL(url), tls: () => tls, headers: () => ({}) };
  return new KubeClient({ access, clock: context.clock, limit: kubeletRateLimit, connections });
}

export function kubeletPair({ certificates }: LabContext, node: string): KeyPair {
  const pair = certificates.kubelets.get(node);
  if (pair === undefined) throw new Error(`no certificate for kubelet ${node}`);
  return pair;
}
