import { type ApiObject, textAt } from '../resources/api-object.js';
import { finished } from '../resources/json.js';
import { randomUid } from '../resources/random-names.js';
import { type Controller, type ControllerContext, kindOf } from './controller.js';

export interface EventText {
  readonly reason: string;
  readonly message: string;
  readonly source: string;
  /** Default `Normal`. */
  readonly type?: 'Normal' | 'Warning';
}

export function recordEvent(context: ControllerContext, about: ApiObject, text: EventText): void {
  const { random, timestamp, store } = context;
  const { name, namespace, uid, resourceVersion } = about.metadata;
  const home = namespace ?? 'default';
  const suffix = Array.from({ length: 16 }, () => random.below(16).toString(16)).join('');
  const event = {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: {
      name: `${name}.${suffix}`,
      namespace: home,
      uid: randomUid(random),
      creationTimestamp: timestamp,
    },
    involvedObject: {
      apiVersion: about.apiVersion,
      kind: about.kind,
      name,
      uid,
      resourceVersion,
      ...(namespace === undefined ? {} : { namespace }),
    },
    reason: text.reason,
    message: text.message,
    type: text.type ?? 'Normal',
    source: { component: text.source },
    reportingComponent: text.source,
    reportingInstance: '',
    count: 1,
    firstTimestamp: timestamp,
    lastTimestamp: timestamp,
  };
  store.put(finished(event));
}

/** kube-apiserver's `--event-ttl`. */
const lifeMs = 60 * 60 * 1000;

/** Deletes events that are an hour old, so that they do not pile up. */
export const eventExpiry: Controller = {
  name: 'event-expiry',
  isTimed: true,
  reconcile: ({ store, nowMs }) => {
    for (const event of store.list(kindOf('', 'events'))) {
      const last = textAt(event, 'lastTimestamp') || event.metadata.creationTimestamp;
      if (nowMs - Date.parse(last) > lifeMs) store.remove(event.apiVersion, event.kind, event.metadata);
    }
  },
};
