import type { Clock } from '../../core/clock.js';
import { TunnelError } from '../../core/errors.js';
import type { Pod } from '../../core/objects.js';
import type { KubeClient } from '../../kube/kube-client.js';
import type { ObjectTarget } from '../../kube/objects.js';
import { statusOf } from '../../kube/status-error.js';
import { rfc3339 } from '../runtime/logs/log-time.js';
import type { NodeRuntime } from '../runtime/runtime.js';
import type { PodAddresses } from './pod-addresses.js';
import { conditionsOf, hasEnded, statusPatch, toRun } from './pod-status.js';

/** What the workers of all pods of a node share. */
export interface PodWorkerGround {
  readonly client: KubeClient;
  readonly runtime: NodeRuntime;
  readonly addresses: PodAddresses;
  readonly hostIP: string;
  readonly clock: Clock;
  /** Wall time in epoch milliseconds. */
  readonly now: () => number;
  readonly failed: (what: string, error: TunnelError) => void;
  /** Ends waiting and requests. */
  readonly signal: AbortSignal;
}

export const podResource = { group: '', version: 'v1', plural: 'pods' } as const;
const retryMs = 1000;

/** Brings one pod of the API and one of the runtime together: one step at a time, the newest wish first. */
export class PodWorker {
  private readonly ground: PodWorkerGround;
  private wanted: Pod | undefined;
  /** The pod as the runtime was given it. */
  private running: Pod | undefined;
  private conditions: Pod['status']['conditions'] = [];
  private told = '';
  private working: Promise<void> | undefined;
  private again = false;

  constructor(ground: PodWorkerGround) {
    this.ground = ground;
  }

  /** The pod as the API has it now; undefined when it is gone there. */
  want(pod: Pod | undefined): void {
    const forced = pod === undefined && this.running !== undefined;
    this.wanted = pod;
    // Gone without us: whatever still waits for a grace period need not.
    if (forced) void this.stop(0).catch(() => undefined);
    this.wake();
  }

  /** Something has changed in the runtime. */
  wake(): void {
    this.again = true;
    // Begins later: the runtime may tell of a change while it is being told of one.
    this.working ??= Promise.resolve()
      .then(() => this.work())
      .finally(() => {
        this.working = undefined;
        if (this.again && !this.ground.signal.aborted) this.wake();
      });
  }

  /** Nothing runs for it, and nothing is wanted. */
  get isIdle(): boolean {
    return this.wanted === undefined && this.running === undefined && this.working === undefined;
  }

  async settled(): Promise<void> {
    await this.working;
  }

  private async work(): Promise<void> {
    const { signal, clock, failed } = this.ground;
    while (this.again && !signal.aborted) {
      this.again = false;
      try {
        await this.step();
      } catch (caught) {
        if (signal.aborted) return;
        const { namespace, name } = (this.wanted ?? this.running)?.metadata ?? { namespace: '', name: '' };
        failed(`pod ${namespace}/${name}`, TunnelError.from(caught, 'API_UNREACHABLE'));
        this.again = true;
        await wait(clock, retryMs, signal);
      }
    }
  }

  private async step(): Promise<void> {
    const { wanted, running } = this;
    if (running !== undefined && wanted?.metadata.uid !== running.metadata.uid) {
      await this.stop(0);
      this.again = true;
      return;
    }
    if (wanted === undefined) return;
    if (wanted.metadata.deletionTimestamp !== undefined) return this.finish(wanted);
    if (running === undefined) {
      if (hasEnded(wanted)) return;
      this.start(wanted);
    } else {
      this.ground.runtime.updatePod(wanted);
    }
    await this.report(wanted);
  }

  private start(pod: Pod): void {
    const { runtime, addresses, hostIP, now } = this.ground;
    const { uid } = pod.metadata;
    const podIP = addresses.of(uid);
    if (podIP === undefined) throw new TunnelError('BAD_REQUEST', 'no pod addresses are left on this node');
    const made = toRun(pod, { hostIP, podIP, now: rfc3339(now()) });
    runtime.addPod(made);
    this.running = made;
  }

  private async stop(graceMs: number): Promise<void> {
    const { runtime, addresses } = this.ground;
    const pod = this.running;
    if (pod === undefined) return;
    const { namespace, name, uid } = pod.metadata;
    await runtime.removePod(namespace, name, graceMs);
    if (this.running !== pod) return;
    this.running = undefined;
    this.conditions = [];
    this.told = '';
    addresses.release(uid);
  }

  /** Somebody has deleted the pod: it may end in peace, and is gone from the API when it has. */
  private async finish(pod: Pod): Promise<void> {
    await this.stop((pod.metadata.deletionGracePeriodSeconds ?? 30) * 1000);
    const { client, signal } = this.ground;
    const options = { uid: pod.metadata.uid, gracePeriodSeconds: 0, signal };
    await client.delete(targetOf(pod), options).catch(unlessGone);
  }

  /** Tells the API what has become of the pod, if that is news. */
  private async report({ metadata }: Pod): Promise<void> {
    const { client, runtime, now, signal } = this.ground;
    const shown = runtime.listPods().find((pod) => pod.metadata.uid === metadata.uid);
    if (shown === undefined) return;
    const conditions = conditionsOf(shown, this.conditions, rfc3339(now()));
    const patch = statusPatch({ ...shown, status: { ...shown.status, conditions } });
    const text = JSON.stringify(patch);
    if (text === this.told) return;
    const target = { ...targetOf(shown), subresource: 'status' };
    await client.patch(target, patch, { type: 'strategic-merge', signal }).catch(unlessGone);
    this.conditions = conditions;
    this.told = text;
  }
}

function targetOf({ metadata }: Pod): ObjectTarget {
  return { resource: podResource, namespace: metadata.namespace, name: metadata.name };
}

/** The pod, or that pod of this name, is not there any more: as good as done. */
function unlessGone(caught: unknown): void {
  const status = statusOf(caught);
  if (status?.code !== 404 && status?.code !== 409) throw caught;
}

/** Resolves after the delay, or at once when the signal aborts. */
export function wait(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = clock.after(delayMs, done, true);
    if (signal.aborted) done();
    else signal.addEventListener('abort', done, { once: true });
  });
}
