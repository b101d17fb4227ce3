import type { ContainerNews } from '../../containers/runtime.js';
import type { Clock } from '../../core/clock.js';
import { TunnelError } from '../../core/errors.js';
import { pause } from '../../core/pause.js';
import { eventName } from '../../kube/event-name.js';
import type { KubeClient } from '../../kube/kube-client.js';
import type { Pod } from '../../kube/pod-objects.js';
import { statusOf } from '../../kube/status-error.js';
import { rfc3339 } from '../../kube/time.js';

export interface EventRecorderOptions {
  readonly client: KubeClient;
  readonly nodeName: string;
  /** The kubelet's release, such as `v1.33.1`: it decides about words. */
  readonly version: string;
  readonly clock: Clock;
  /** Wall time in epoch milliseconds. */
  readonly now: () => number;
  readonly failed: (what: string, error: TunnelError) => void;
  readonly signal: AbortSignal;
}

interface EventText {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  readonly fieldPath?: string;
}

interface Told {
  readonly name: string;
  count: number;
}

interface Waiting {
  readonly pod: Pod['metadata'];
  readonly text: EventText;
  readonly atMs: number;
}

const resource = { group: '', version: 'v1', plural: 'events' } as const;
/** What is more is dropped: events never hold a pod up. */
const maxWaiting = 1000;
/** As client-go's cache of events whose repetitions are counted. */
const maxTold = 4096;
const maxTries = 12;
const retryMs = 10_000;

/** Sends the events of this node's pods to the API, one after the other. A repetition is counted, not sent again. */
export class EventRecorder {
  readonly ended: Promise<void>;
  private readonly options: EventRecorderOptions;
  private readonly queue: Waiting[] = [];
  private readonly told = new Map<string, Told>();
  private wake: () => void = () => undefined;
  private made = 0;

  constructor(options: EventRecorderOptions) {
    this.options = options;
    options.signal.addEventListener('abort', () => this.wake(), { once: true });
    this.ended = this.run();
  }

  record(pod: Pod['metadata'], text: EventText): void {
    if (this.queue.length >= maxWaiting) return;
    this.queue.push({ pod, text, atMs: this.options.now() });
    this.wake();
  }

  /** In the words of this kubelet's release. */
  recordNews(pod: Pod['metadata'], news: ContainerNews): void {
    this.record(pod, eventText(news, this.options.version));
  }

  private async run(): Promise<void> {
    const { signal } = this.options;
    while (!signal.aborted) {
      const next = this.queue.shift();
      if (next !== undefined) await this.deliver(next);
      else {
        await new Promise<void>((resolve) => {
          this.wake = resolve;
        });
      }
    }
  }

  private async deliver(event: Waiting): Promise<void> {
    const { signal, clock, failed } = this.options;
    for (let tries = 1; !signal.aborted; tries++) {
      try {
        return await this.send(event);
      } catch (caught) {
        if (signal.aborted) return;
        // The API has decided, for example because the namespace is being deleted.
        if (statusOf(caught) !== undefined) return;
        failed('events', TunnelError.from(caught, 'API_UNREACHABLE'));
        if (tries >= maxTries) return;
        await pause(clock, retryMs, signal);
      }
    }
  }

  private async send({ pod, text, atMs }: Waiting): Promise<void> {
    const { client, signal } = this.options;
    const { namespace } = pod;
    const key = JSON.stringify([pod.uid, ...Object.values(text)]);
    const lastTimestamp = rfc3339(atMs);
    const before = this.told.get(key);
    if (before !== undefined) {
      const patch = { count: before.count + 1, lastTimestamp };
      const target = { resource, namespace, name: before.name };
      const found = await client.patch(target, patch, { type: 'strategic-merge', signal }).catch(unlessGone);
      if (found !== undefined) {
        before.count++;
        return;
      }
    }
    // Numbers begin with 1: the event `Scheduled` may be of the same millisecond, and has 0.
    const name = eventName(pod.name, atMs, ++this.made);
    await client.create({ resource, namespace }, this.eventOf({ pod, text, atMs }, name), { signal });
    this.told.set(key, { name, count: 1 });
    const [oldest] = this.told.keys();
    if (this.told.size > maxTold && oldest !== undefined) this.told.delete(oldest);
  }

  private eventOf({ pod, text, atMs }: Waiting, name: string): object {
    const { namespace, uid, resourceVersion } = pod;
    const { fieldPath, ...said } = text;
    const { nodeName: host } = this.options;
    const involvedObject = { apiVersion: 'v1', kind: 'Pod', name: pod.name, namespace, uid, resourceVersion };
    return {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name, namespace },
      involvedObject: { ...involvedObject, ...(fieldPath === undefined ? {} : { fieldPath }) },
      ...said,
      source: { component: 'kubelet', host },
      reportingComponent: 'kubelet',
      reportingInstance: host,
      firstTimestamp: rfc3339(atMs),
      lastTimestamp: rfc3339(atMs),
      count: 1,
    };
  }
}

/** Events expire after an hour. */
function unlessGone(caught: unknown): undefined {
  if (statusOf(caught)?.code !== 404) throw caught;
}

/** A kubelet's words about a container; some have changed in 1.31 and in 1.35. */
export function eventText(news: ContainerNews, version: string): EventText {
  const minor = Number(/^v?1\.(\d+)/.exec(version)?.[1] ?? 33);
  const { fieldPath, name, image, reason } = news;
  const said = (message: string): EventText => ({
    type: reason === 'Failed' || reason === 'BackOff' ? 'Warning' : 'Normal',
    ...{ reason, message, fieldPath },
  });
  switch (reason) {
    case 'Pulled': {
      const whose = minor >= 35 ? ' and can be accessed by the pod' : '';
      return said(`Container image "${image}" already present on machine${whose}`);
    }
    case 'Created':
    case 'Started':
      if (minor >= 35) return said(`Container ${reason.toLowerCase()}`);
      return said(`${reason} container${reason === 'Created' && minor >= 31 ? ':' : ''} ${name}`);
    case 'Killing':
      return said(news.message ?? `Stopping container ${name}`);
    case 'BackOff':
      return said(`Back-off restarting failed container ${name} in pod ${news.podText}`);
    case 'Failed':
      return said(`Error: ${news.message ?? ''}`);
  }
}
