import type { Container, Pod } from '../kube/pod-objects.js';
import type { ContainerRole } from './container-words.js';
import type { HeldContainer } from './held-container.js';
import type { HeldRun } from './held-options.js';
import type { PodUsage } from './runtime.js';

export interface HeldPodOptions<C> {
  readonly pod: Pod;
  /** Names the pod's network namespace in texts. */
  readonly sandboxId: string;
  readonly create: (spec: Container, role: ContainerRole) => C;
  /** Milliseconds, of any origin. */
  readonly now: () => number;
}

const defaultGraceSeconds = 30;
/** Sidecars get this long even when the other containers took the whole grace period. */
const minGraceMs = 2000;

/** A pod: its init containers one after the other, then its containers, and added debugging containers. */
export class HeldPod<C extends HeldContainer<HeldRun>> {
  /** As it was given, or last updated. */
  pod: Pod;
  readonly sandboxId: string;
  readonly inits: readonly C[];
  readonly mains: readonly C[];
  readonly ephemerals: C[] = [];
  private readonly options: HeldPodOptions<C>;
  private closed = false;
  private hasEnded = false;

  /** Nothing runs until `advance` is called. */
  constructor(options: HeldPodOptions<C>) {
    const { pod, sandboxId, create } = options;
    this.options = options;
    this.pod = pod;
    this.sandboxId = sandboxId;
    const { initContainers = [], containers } = pod.spec;
    this.inits = initContainers.map((spec) =>
      create(spec, spec.restartPolicy === 'Always' ? 'sidecar' : 'init'),
    );
    this.mains = containers.map((spec) => create(spec, 'main'));
    this.addEphemerals(pod);
  }

  get containers(): readonly C[] {
    return [...this.inits, ...this.mains, ...this.ephemerals];
  }

  /** It was told to end, and nothing of it runs any more. */
  get hasStopped(): boolean {
    return (
      this.closed && this.containers.every(({ run, starting }) => run === undefined && starting === undefined)
    );
  }

  /** Starts what may start now. To be called after each change of a container's state. */
  advance(): void {
    if (this.closed) return;
    for (const container of this.ephemerals) container.start();
    for (const init of this.inits) {
      init.start();
      if (init.letsNextStart) continue;
      if (init.isOver) this.endSidecars();
      return;
    }
    for (const main of this.mains) main.start();
    if (this.mains.every((main) => main.isOver)) this.endSidecars();
  }

  /** Takes over what may change in a running pod. */
  update(pod: Pod): void {
    const { metadata, spec } = pod;
    this.pod = { ...this.pod, metadata, spec };
    const changeable = this.containers.filter(({ role }) => role === 'main' || role === 'sidecar');
    for (const wanted of [...spec.containers, ...(spec.initContainers ?? [])])
      changeable.find((each) => each.spec.name === wanted.name)?.change(wanted, this.graceMs);
    this.addEphemerals(pod);
    this.advance();
  }

  /** Ends all containers: sidecars after the others. */
  async stop(graceMs = this.graceMs): Promise<void> {
    this.closed = true;
    const endMs = this.options.now() + graceMs;
    const others = this.containers.filter(({ role }) => role !== 'sidecar');
    await Promise.all(others.map((container) => container.stop(graceMs)));
    await this.stopSidecars(graceMs === 0 ? 0 : Math.max(minGraceMs, endMs - this.options.now()));
  }

  async usage(): Promise<PodUsage> {
    const { namespace, name, uid } = this.pod.metadata;
    const all = await Promise.all(this.containers.map((container) => container.usage()));
    return { namespace, name, uid, containers: all.filter((one) => one !== undefined) };
  }

  private get graceMs(): number {
    return (this.pod.spec.terminationGracePeriodSeconds ?? defaultGraceSeconds) * 1000;
  }

  /** Nothing of the pod is left that they could help. */
  private endSidecars(): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    void this.stopSidecars(this.graceMs);
  }

  private async stopSidecars(graceMs: number): Promise<void> {
    const sidecars = this.inits.filter(({ role }) => role === 'sidecar');
    for (const sidecar of sidecars.reverse()) await sidecar.stop(graceMs);
  }

  private addEphemerals(pod: Pod): void {
    const known = new Set(this.containers.map(({ spec }) => spec.name));
    for (const spec of pod.spec.ephemeralContainers ?? [])
      if (!known.has(spec.name)) this.ephemerals.push(this.options.create(spec, 'ephemeral'));
  }
}
