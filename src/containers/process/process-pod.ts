import type { Container, Pod } from '../../kube/pod-objects.js';
import type { PodUsage } from '../runtime.js';
import { podFolder, removeFolder } from './folders.js';
import { ProcessContainer, type ProcessContext, type RestartRule } from './process-container.js';

export interface ProcessPodOptions {
  readonly pod: Pod;
  readonly context: ProcessContext;
  /** The folder of the runtime. */
  readonly root: string;
  readonly changed: () => void;
}

const defaultGraceSeconds = 30;

/** A pod: its init containers one after the other, then its containers, and added debugging containers. */
export class ProcessPod {
  /** As it was given, or last updated. */
  pod: Pod;
  /** The pod's network namespace has this name in error texts. */
  readonly sandboxId: string;
  readonly inits: readonly ProcessContainer[];
  readonly mains: readonly ProcessContainer[];
  readonly ephemerals: ProcessContainer[] = [];
  /** Settles when every container that can run has been started. */
  readonly started: Promise<void>;
  private readonly options: ProcessPodOptions;
  private readonly folder: string;
  private closed = false;
  private proceed: () => void = () => undefined;

  constructor(options: ProcessPodOptions) {
    const { pod, context, root } = options;
    this.options = options;
    this.pod = pod;
    this.sandboxId = context.newId();
    this.folder = podFolder(root, pod);
    const rule = restartRule(pod);
    const initRule = rule === 'never' ? 'never' : 'on-failure';
    this.inits = (pod.spec.initContainers ?? []).map((spec) => this.create(spec, initRule));
    this.mains = pod.spec.containers.map((spec) => this.create(spec, rule));
    this.started = this.startAll();
    this.addEphemerals(pod);
  }

  get containers(): readonly ProcessContainer[] {
    return [...this.inits, ...this.mains, ...this.ephemerals];
  }

  find(name: string): ProcessContainer | undefined {
    return this.containers.find(({ spec }) => spec.name === name);
  }

  /** Takes over what may change in a running pod. */
  update(pod: Pod): void {
    this.pod = { ...this.pod, metadata: pod.metadata };
    this.addEphemerals(pod);
  }

  /** Ends all containers and removes their files. */
  async stop(graceMs = this.graceMs): Promise<void> {
    this.closed = true;
    this.proceed();
    await Promise.all(this.containers.map((container) => container.stop(graceMs)));
    await removeFolder(this.folder).catch(() => undefined);
  }

  async usage(): Promise<PodUsage> {
    const { namespace, name, uid } = this.pod.metadata;
    const running = this.containers.flatMap((container) => {
      const { run } = container;
      return run === undefined ? [] : [{ run, restartCount: container.status().restartCount }];
    });
    const containers = running.map(async ({ run, restartCount }) => ({
      ...(await run.usage()),
      restartCount,
    }));
    return { namespace, name, uid, containers: await Promise.all(containers) };
  }

  private get graceMs(): number {
    return (this.pod.spec.terminationGracePeriodSeconds ?? defaultGraceSeconds) * 1000;
  }

  private create(spec: Container, restart: RestartRule): ProcessContainer {
    const { pod, context } = this.options;
    const changed = (): void => {
      this.proceed();
      this.options.changed();
    };
    return new ProcessContainer({ pod, spec, context, folder: this.folder, restart, changed });
  }

  private addEphemerals(pod: Pod): void {
    for (const spec of pod.spec.ephemeralContainers ?? []) {
      if (this.find(spec.name) !== undefined) continue;
      const container = this.create(spec, 'never');
      this.ephemerals.push(container);
      void container.start();
    }
  }

  private async startAll(): Promise<void> {
    for (const init of this.inits) {
      await init.start();
      if (!(await this.succeeded(init))) return;
    }
    if (this.closed) return;
    await Promise.all(this.mains.map((container) => container.start()));
  }

  /** Waits until an init container has succeeded; false when it never will. */
  private async succeeded(init: ProcessContainer): Promise<boolean> {
    for (;;) {
      const state = init.run === undefined ? init.stoppedState : undefined;
      if (this.closed) return false;
      if (state !== undefined && 'terminated' in state) {
        if (state.terminated.exitCode === 0) return true;
        if (restartRule(this.pod) === 'never') return false;
      }
      await new Promise<void>((resolve) => {
        this.proceed = resolve;
      });
    }
  }
}

function restartRule({ spec }: Pod): RestartRule {
  switch (spec.restartPolicy) {
    case 'Never':
      return 'never';
    case 'OnFailure':
      return 'on-failure';
    default:
      return 'always';
  }
}
