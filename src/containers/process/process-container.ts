import { join } from 'node:path';
import type { Container } from '../../kube/pod-objects.js';
import { HeldContainer } from '../held-container.js';
import type { HeldContainerOptions } from '../held-options.js';
import { ProcessRun, type ProcessRunOptions } from './process-run.js';

/** What all containers of one runtime share. */
export interface ProcessContext
  extends Pick<ProcessRunOptions, 'clock' | 'now' | 'loadTerminals' | 'logLimitBytes' | 'guardian'>,
    Pick<HeldContainerOptions, 'emit'> {
  readonly newId: () => string;
}

export interface ProcessContainerOptions extends HeldContainerOptions {
  readonly context: ProcessContext;
  /** The folder of the pod. */
  readonly folder: string;
}

/** A container whose main process is a process of this host. */
export class ProcessContainer extends HeldContainer<ProcessRun> {
  private readonly options: ProcessContainerOptions;

  constructor(options: ProcessContainerOptions) {
    super(options);
    this.options = options;
  }

  protected async launch(spec: Container, id: string): Promise<ProcessRun> {
    const { pod, context, folder: parent } = this.options;
    const folder = join(parent, `${spec.name}-${id.slice(0, 12)}`);
    const run = await ProcessRun.start({ ...context, id, pod, container: spec, folder });
    void run.ended.then((termination) => this.runEnded(run, termination));
    return run;
  }

  protected endRun(run: ProcessRun, graceMs: number): Promise<void> {
    return graceMs > 0 ? run.end(graceMs) : run.kill();
  }
}
