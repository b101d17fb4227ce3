import { createRandom } from '../core/random.js';
import type { ItemChange } from '../kube/item-store.js';
import { KubeClient } from '../kube/kube-client.js';
import type { KubeObject, ResourceKind } from '../kube/objects.js';
import { WatchList } from '../kube/watch-list.js';
import { leafTls } from '../pki/certificate-set.js';
import type { LabContext } from './parts.js';

/** Options of `Lab.watch`. */
export interface LabWatchOptions {
  /** A watch that receives nothing for this long counts as lost, lab ms. Bookmarks come each minute. Default 90 000. */
  readonly idleTimeoutMs?: number;
  /** Called with each change, and with each object of the first list. Default: no call. */
  readonly changed?: (change: ItemChange<KubeObject>) => void;
}

/** A small controller: it lists and watches objects, and continues where it was when its watch is lost. */
export interface LabWatch {
  /** Resolves when all objects were listed once. Never rejects: the controller tries again. */
  readonly synced: Promise<void>;
  /** The objects, as last seen. */
  readonly items: readonly KubeObject[];
  /** Ends the watch. Further calls do nothing. */
  close(): Promise<void>;
}

const kinds = {
  pods: { group: '', version: 'v1', plural: 'pods' },
  nodes: { group: '', version: 'v1', plural: 'nodes' },
  services: { group: '', version: 'v1', plural: 'services' },
  endpoints: { group: '', version: 'v1', plural: 'endpoints' },
  configmaps: { group: '', version: 'v1', plural: 'configmaps' },
  events: { group: '', version: 'v1', plural: 'events' },
  deployments: { group: 'apps', version: 'v1', plural: 'deployments' },
} as const satisfies Readonly<Record<string, ResourceKind>>;

/** The kinds of objects that `Lab.watch` can watch. */
export type WatchedName = keyof typeof kinds;

/** Starts a controller with an administrator's rights. The journal shows each loss of its watch and how it continued. */
export function startLabWatch(
  context: LabContext,
  url: string,
  { name, ...options }: LabWatchOptions & { readonly name: WatchedName },
): LabWatch {
  const { clock, random } = context;
  const tls = leafTls(context.certificates, 'admin');
  const access = { server: new URL(url), tls: () => tls, headers: () => ({}) };
  const client = new KubeClient({ access, clock });
  const { idleTimeoutMs = 90_000, changed = () => undefined } = options;
  const journal = new LossJournal(context, name);
  const list = new WatchList<KubeObject>({
    client,
    target: { resource: kinds[name] },
    clock,
    random: createRandom(random.below(2 ** 32)),
    idleTimeoutMs,
    changed,
    resumes: true,
    began: (verb, version) => journal.began(verb, version),
    ended: (version, error) => journal.ended(version, error),
  });
  return {
    synced: list.synced,
    get items() {
      return list.items;
    },
    close: async () => {
      await list.close();
      await client.close();
    },
  };
}

class LossJournal {
  private readonly context: LabContext;
  private readonly common: { readonly node: string; readonly resource: string };
  private lostAt: number | undefined;
  private relisted = false;

  constructor(context: LabContext, resource: string) {
    this.context = context;
    this.common = { node: 'lab/controller', resource };
  }

  ended(resourceVersion: string, error: { code: string; message: string } | undefined): void {
    const { clock, emit } = this.context;
    this.lostAt ??= clock.now();
    const why = error === undefined ? { text: 'the server ended it in order' } : { error: error.message };
    emit({ kind: 'watch.broken', ...this.common, resourceVersion, ...why });
  }

  began(verb: 'list' | 'watch', resourceVersion: string): void {
    const { lostAt, common } = this;
    if (lostAt === undefined) {
      if (verb === 'watch') this.context.emit({ kind: 'watch.started', ...common, resourceVersion });
      return;
    }
    if (verb === 'list') {
      this.relisted = true;
      return;
    }
    const blindMs = this.context.clock.now() - lostAt;
    const kind = this.relisted ? 'watch.relisted' : 'watch.resumed';
    this.context.emit({ kind, ...common, resourceVersion, blindMs });
    this.lostAt = undefined;
    this.relisted = false;
  }
}
