import { eventName } from '../../kube/event-name.js';
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
  const place = { namespace: home, name: freeName(context, name, home) };
  const event = {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: {
      ...place,
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

/** The names of events that stand between those of a kubelet must be in the order of time, too. */
function freeName({ store, nowMs }: ControllerContext, object: string, namespace: string): string {
  for (let number = 0; ; number++) {
    const name = eventName(object, nowMs, number);
    if (store.get(kindOf('', 'events'), { namespace, name }) === undefined) return name;
  }
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
