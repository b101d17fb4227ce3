import type { NodeRuntime } from '../../containers/runtime.js';
import type { Clock } from '../../core/clock.js';
import { TunnelError } from '../../core/errors.js';
import type { KubeClient } from '../../kube/kube-client.js';
import type { ObjectTarget } from '../../kube/objects.js';
import type { Pod } from '../../kube/pod-objects.js';
import { statusOf } from '../../kube/status-error.js';
import { rfc3339 } from '../../kube/time.js';
import type { EventRecorder } from './event-recorder.js';
import { notSimulated } from './not-simulated.js';
import type { PodAddresses } from './pod-addresses.js';
import { conditionsOf, creating, hasEnded, isNew, statusPatch, toRun } from './pod-status.js';

export interface PodWorkerContext {
  readonly client: KubeClient;
  readonly runtime: NodeRuntime;
  readonly addresses: PodAddresses;
  readonly hostIP: string;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  /** Wall time in epoch milliseconds. */
  readonly now: () => number;
  readonly failed: (what: string, error: TunnelError) => void;
  /** Ends waiting and requests. */
  readonly signal: AbortSignal;
}

export const podResource = { group: '', version: 'v1', plural: 'pods' } as const;
const retryMs = 1000;

/** Brings a pod of the API and the same pod in the runtime together: one step at a time, for the newest version. */
export class PodWorker {
  private readonly context: PodWorkerContext;
  private wanted: Pod | undefined;
  /** The pod as the runtime got it. */
  private running: Pod | undefined;
  private conditions: Pod['status']['conditions'] = [];
  private told = '';
  private warned = new Set<string>();
  /** While the pod is being ended: its grace period, and whether nothing of it runs any more. */
  private graceSeconds: number | undefined;
  private hasStopped = false;
  /** The API was told to delete this pod. */
  private deletedUid: string | undefined;
  private working: Promise<void> | undefined;
  private again = false;

  constructor(context: PodWorkerContext) {
    this.context = context;
  }

  /** Takes the pod as the API has it now; undefined when it was removed there. */
  want(pod: Pod | undefined): void {
    const forced = pod === undefined && this.running !== undefined;
    this.wanted = pod;
    // It was removed without us: whatever still waits for a grace period stops at once.
    if (forced) void this.stop(0).catch(() => undefined);
    this.wake();
  }

  /** Ends a pod of the runtime that the API does not know. */
  end(pod: Pod): void {
    this.running = pod;
    this.want(undefined);
  }

  wake(): void {
    this.again = true;
    // Starts later: the runtime may report a change while it handles another call.
    this.working ??= Promise.resolve()
      .then(() => this.work())
      .finally(() => {
        this.working = undefined;
        if (this.again && !this.context.signal.aborted) this.wake();
      });
  }

  /** Nothing is running for it, and nothing is to be run. */
  get isIdle(): boolean {
    return this.wanted === undefined && this.running === undefined && this.working === undefined;
  }

  async settled(): Promise<void> {
    await this.working;
  }

  private async work(): Promise<void> {
    const { signal, clock, failed } = this.context;
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
    const { wanted } = this;
    if (this.running === undefined && wanted !== undefined) this.adopt(wanted);
    const { running } = this;
    if (running !== undefined && wanted?.metadata.uid !== running.metadata.uid) {
      await this.stop(0);
      this.again = true;
      return;
    }
    if (wanted === undefined) return;
    if (wanted.metadata.deletionTimestamp !== undefined) return this.finish(wanted);
    if (running === undefined) {
      if (hasEnded(wanted)) return;
      await this.start(wanted);
    } else {
      // A debugging container may have come.
      this.warn(wanted, true);
      this.context.runtime.updatePod(wanted);
    }
    await this.report(wanted);
  }

  /** Takes a pod that the runtime already has, of any UID: from before this kubelet knew the API. */
  private adopt(pod: Pod): void {
    const { metadata } = pod;
    const held = this.context.runtime
      .listPods()
      .find((each) => each.metadata.namespace === metadata.namespace && each.metadata.name === metadata.name);
    if (held === undefined) return;
    this.context.addresses.claim(held.metadata.uid, held.status.podIP);
    this.conditions = conditionsAt(pod);
    this.running = held;
    this.warn(pod, false);
  }

  /** Names in an event what the pod asks for in vain, each field once; `aloud` is false for what an earlier kubelet has told. */
  private warn(pod: Pod, aloud: boolean): void {
    const message = notSimulated(pod, this.warned);
    if (message === undefined || !aloud) return;
    this.context.recorder.record(pod.metadata, { type: 'Warning', reason: 'NotSimulated', message });
  }

  private async start(pod: Pod): Promise<void> {
    const { runtime, addresses, hostIP, now } = this.context;
    const podIP = pod.spec.hostNetwork === true ? hostIP : addresses.of(pod.metadata.uid);
    if (podIP === undefined) throw new TunnelError('BAD_REQUEST', 'no pod addresses are left on this node');
    const place = { hostIP, podIP, now: rfc3339(now()) };
    this.conditions = conditionsAt(pod);
    this.warn(pod, isNew(pod));
    if (isNew(pod)) {
      await this.tell(creating(pod, place));
    }
    // It may have been deleted in the meantime.
    if (this.wanted?.metadata.uid !== pod.metadata.uid) return;
    runtime.addPod(toRun(pod, place));
    this.running = pod;
  }

  private async stop(graceMs: number): Promise<void> {
    const { runtime, addresses } = this.context;
    const pod = this.running;
    if (pod === undefined) return;
    const { namespace, name, uid } = pod.metadata;
    await runtime.removePod(namespace, name, graceMs);
    if (this.running !== pod) return;
    this.running = undefined;
    this.conditions = [];
    this.told = '';
    this.warned = new Set();
    this.graceSeconds = undefined;
    this.hasStopped = false;
    addresses.release(uid);
  }

  /** The pod was deleted: it gets its grace period, tells how it has ended, and is then removed from the API. */
  private async finish(pod: Pod): Promise<void> {
    const { client, signal } = this.context;
    const { uid } = pod.metadata;
    if (this.running !== undefined) {
      this.endContainers(pod, this.running);
      await this.report(pod);
      if (!this.hasStopped) return;
    }
    // A finalizer may hold it there for longer.
    if (this.deletedUid === uid) return;
    const options = { uid, gracePeriodSeconds: 0, signal };
    await client.delete(targetOf(pod), options).catch(unlessGone);
    this.deletedUid = uid;
  }

  /** Does not wait, because their ends are told one by one, and because the grace period may be made shorter. */
  private endContainers({ metadata }: Pod, running: Pod): void {
    const { namespace, name, deletionGracePeriodSeconds: graceSeconds = 30 } = metadata;
    if (this.graceSeconds !== undefined && this.graceSeconds <= graceSeconds) return;
    this.graceSeconds = graceSeconds;
    const ended = (): void => {
      if (this.running !== running) return;
      this.hasStopped = true;
      this.wake();
    };
    this.context.runtime.stopPod(namespace, name, graceSeconds * 1000).then(ended, ended);
  }

  private async report(wanted: Pod): Promise<void> {
    const { uid } = wanted.metadata;
    const shown = this.context.runtime.listPods().find((pod) => pod.metadata.uid === uid);
    // When the node seemed lost, its pods were marked as not ready.
    if (readiness(conditionsAt(wanted)) !== readiness(this.conditions)) this.told = '';
    if (shown !== undefined) await this.tell(shown);
  }

  private async tell(pod: Pod): Promise<void> {
    const { client, now, signal } = this.context;
    const conditions = conditionsOf(pod, this.conditions, rfc3339(now()));
    const patch = statusPatch({ ...pod, status: { ...pod.status, conditions } });
    const text = JSON.stringify(patch);
    if (text === this.told) return;
    const target = { ...targetOf(pod), subresource: 'status' };
    await client.patch(target, patch, { type: 'strategic-merge', signal }).catch(unlessGone);
    this.conditions = conditions;
    this.told = text;
  }
}

function readiness(conditions: Pod['status']['conditions']): string | undefined {
  return conditions.find(({ type }) => type === 'Ready')?.status;
}

function conditionsAt({ status }: Pod): Pod['status']['conditions'] {
  return (status as Partial<Pod['status']> | undefined)?.conditions ?? [];
}

function targetOf({ metadata }: Pod): ObjectTarget {
  return { resource: podResource, namespace: metadata.namespace, name: metadata.name };
}

/** The pod, or the pod with this UID, is not there any more. That is as good as done. */
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
