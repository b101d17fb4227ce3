import { expect } from 'vitest';
import { startProcessRuntime } from '../../../src/containers/process/process-runtime.js';
import type { LogRequest, NodeRuntime } from '../../../src/containers/runtime.js';
import { createSandboxRuntime } from '../../../src/containers/sandbox-runtime.js';
import { ManualClock } from '../../../src/core/clock.js';
import type { EventBody } from '../../../src/core/events.js';
import { createRandom } from '../../../src/core/random.js';
import type { Container, ContainerStatus, Pod } from '../../../src/kube/pod-objects.js';
import { collect, main, startTimeMs, testPod } from './support.js';

/** For `describe.each`: what follows holds for both kinds of containers. */
export const runtimeNames = ['sandbox', 'process'] as const;

const never = new AbortController().signal;

/** A runtime of either kind with a clock that stands still, except while a test waits. */
export class Bench {
  readonly clock = new ManualClock();
  readonly journal: EventBody[] = [];
  runtime!: NodeRuntime;

  static async start(kind: (typeof runtimeNames)[number], pods: readonly Pod[] = []): Promise<Bench> {
    const bench = new Bench();
    const { clock } = bench;
    const emit = (event: EventBody): void => void bench.journal.push(event);
    const options = { nodeName: 'node-1', clock, random: createRandom(1), emit };
    const all = { ...options, startTimeMs, pods };
    bench.runtime = kind === 'sandbox' ? createSandboxRuntime(all) : await startProcessRuntime(all);
    return bench;
  }

  async close(): Promise<void> {
    const ticking = setInterval(() => this.clock.advance(5), 2);
    await this.runtime.close();
    clearInterval(ticking);
  }

  pod(name = 'web-0'): Pod {
    const found = this.runtime.listPods().find(({ metadata }) => metadata.name === name);
    if (found === undefined) throw new Error(`no pod ${name}`);
    return found;
  }

  status(name = 'main'): ContainerStatus {
    const {
      containerStatuses,
      initContainerStatuses = [],
      ephemeralContainerStatuses = [],
    } = this.pod().status;
    const all = [...containerStatuses, ...initContainerStatuses, ...ephemeralContainerStatuses];
    const found = all.find((status) => status.name === name);
    if (found === undefined) throw new Error(`no container ${name}`);
    return found;
  }

  /** Waits until `look` gives `wanted`; a real process needs a little of the lab's time to end. */
  async sees(look: () => unknown, wanted: object | string | number | boolean): Promise<void> {
    const poll = expect.poll(
      () => {
        this.clock.advance(5);
        return look();
      },
      { interval: 5, timeout: 20_000 },
    );
    await (typeof wanted === 'object' ? poll.toMatchObject(wanted) : poll.toBe(wanted));
  }

  async log(options: Partial<LogRequest> = {}): Promise<string> {
    const request = { ...main, follow: false, previous: false, timestamps: false, ...options };
    return collect(await this.runtime.logs(request, never));
  }
}

export const sh = (script: string): Pick<Container, 'command'> => ({ command: ['sh', '-c', script] });

export function podWith(container: Partial<Container>, spec: Partial<Pod['spec']> = {}, name?: string): Pod {
  return testPod([{ name: 'main', image: 'any', ...container }], spec, name);
}
