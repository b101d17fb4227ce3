import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import type { StreamCounts } from '../../src/apiserver/serving/stream-counter.js';
import type { LocalStore } from '../../src/apiserver/store/object-store.js';
import { type Lab, type LabEvent, type LabOptions, type RequestEvent, startLab } from '../../src/index.js';
import { createKubectl, findKubectls, type Kubectl, type KubectlBinary } from '../support/kubectl.js';
import { waitMs } from '../support/waits.js';

/** A whole lab for kubectl: every command goes through façade, tunnel and kubelet. */
export interface TestCluster {
  readonly lab: Lab;
  /** The objects that the façade serves. */
  readonly store: LocalStore;
  /** Long-lived requests that the façade has open now, without the watches of kubelets. */
  openStreams(): StreamCounts;
}

/** A cluster for all tests of a file. A node whose agent is gone cannot be reached: only its own agent will do. */
export function useCluster(options: LabOptions = {}): () => TestCluster {
  let cluster: TestCluster | undefined;
  beforeAll(async () => {
    const lab = await startLab({ strategies: ['destHost'], ...options });
    process.stderr.write(`seed ${lab.seed}\n`);
    // The lab has no option for either.
    const { parts, store } = lab['insides'];
    const openStreams = (): StreamCounts => {
      const counts = parts.apiservers.first.value.openStreams();
      // Each kubelet watches its pods, and one watch of services is for all.
      const own = 1 + parts.kubelets.filter(({ running }) => running).length;
      return { ...counts, watch: counts.watch - own };
    };
    cluster = { lab, store, openStreams };
  });
  afterAll(() => cluster?.lab.stop());
  return () => {
    if (cluster === undefined) throw new Error('the lab did not start');
    return cluster;
  };
}

/**
 * A kubectl with its own home folder. After a test, nothing of it may be left anywhere in the lab, and each of its
 * streams must have used the wire that this kubectl prefers: one that fell back to another fails.
 */
export function useKubectl(binary: KubectlBinary, cluster: () => TestCluster): () => Kubectl {
  let kubectl: Kubectl | undefined;
  let mark = 0;
  let openBefore: OpenCounts = {};
  beforeAll(async () => {
    kubectl = await createKubectl(binary, cluster().lab.kubeconfig);
  });
  afterAll(() => kubectl?.close());
  beforeEach(() => {
    mark = cluster().lab.mark();
    openBefore = openNow(cluster());
  });
  afterEach(async () => {
    await kubectl?.stopAll();
    const { lab } = cluster();
    await reviveParts(lab);
    await expectAtRest(cluster(), openBefore);
    for (const { verb, protocol } of requestsSince(lab, mark).filter(isStream)) {
      expect(`${verb} over ${protocol}`).toBe(`${verb} over ${preferredProtocol(binary, verb)}`);
    }
  });
  return () => {
    if (kubectl === undefined) throw new Error('no kubectl');
    return kubectl;
  };
}

export type OpenCounts = Readonly<Record<string, number>>;

export const openNow = ({ lab, openStreams }: TestCluster): OpenCounts => ({
  ...lab.open(),
  ...openStreams(),
});

/**
 * Every request is over, and nothing of it is left anywhere; but for what a test before this one has left. A kubelet that
 * has only begun to watch makes the count of watches negative.
 */
export async function expectAtRest(cluster: TestCluster, openBefore: OpenCounts = {}): Promise<void> {
  const more = () =>
    Object.entries(openNow(cluster)).filter(([name, count]) => count > Math.max(0, openBefore[name] ?? 0));
  await expect.poll(more, { message: 'still open' }).toEqual([]);
}

/**
 * What the façade reported of the requests that began after a mark of the journal: starts and ends. The end of a request
 * from before the mark can come after it.
 */
export function requestsSince(lab: Lab, mark: number): (RequestEvent & LabEvent)[] {
  const events = lab
    .events()
    .filter((event) => event.seq > mark && event.node === 'apiserver/main')
    .filter((event) => event.kind.startsWith('request.')) as (RequestEvent & LabEvent)[];
  const begun = new Set(
    events.filter(({ kind }) => kind === 'request.started').map(({ request }) => request),
  );
  return events.filter(({ request }) => begun.has(request));
}

/** The end of the first request of a verb that begins after a mark of the journal. */
export async function requestOver(lab: Lab, mark: number, verb: string): Promise<LabEvent> {
  const own = { node: 'apiserver/main', verb } as const;
  const limits = { since: mark, withinMs: waitMs };
  const { request } = await lab.waitFor({ kind: 'request.started', ...own }, limits);
  if (request === undefined) throw new Error(`a ${verb} without a request`);
  return lab.waitFor({ kind: 'request.finished', ...own, request }, limits);
}

/** The end of a stream that had begun. kubectl repeats refused requests over SPDY; that does not count as a fall-back. */
function isStream({ status, verb = '' }: RequestEvent): boolean {
  return status === 101 && ['exec', 'attach', 'portforward'].includes(verb);
}

/** kubectl uses WebSockets for exec and attach from 1.30 on, for port-forward from 1.31 on, and SPDY before. */
export function preferredProtocol({ minor }: KubectlBinary, verb: string | undefined): string {
  if (verb === 'portforward') return minor >= 31 ? 'websocket-tunnel' : 'spdy';
  return minor >= 30 ? 'websocket-v5' : 'spdy';
}

/** For long tests: only the oldest and the newest kubectl are tested. */
export function isOldestOrNewest({ path }: KubectlBinary): boolean {
  const all = findKubectls();
  return path === all[0]?.path || path === all.at(-1)?.path;
}

/** Restarts parts that a failed test left dead, so that other tests do not fail too. */
export async function reviveParts(lab: Lab): Promise<void> {
  for (const part of lab.parts().filter(({ running }) => !running)) {
    const since = lab.mark();
    await part.start();
    const [role] = part.name.split('/');
    if (role === 'agent')
      await lab.waitFor({ kind: 'backend.connected', peer: part.name }, { since, withinMs: waitMs });
  }
}

/** Kills an agent. Returns a function that starts it again and waits until the server has it. */
export async function killAgent({ lab }: TestCluster, node: string): Promise<() => Promise<void>> {
  const part = lab.part(`agent/${node}`);
  const mark = lab.mark();
  await part.kill();
  await lab.waitFor({ kind: 'backend.disconnected', peer: part.name }, { since: mark, withinMs: waitMs });
  return async () => {
    const since = lab.mark();
    await part.start();
    await lab.waitFor({ kind: 'backend.connected', peer: part.name }, { since, withinMs: waitMs });
  };
}
