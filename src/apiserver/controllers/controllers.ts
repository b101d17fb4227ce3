import type { Clock, Timer } from '../../core/clock.js';
import type { Random } from '../../core/random.js';
import { createWallClock, type WallClock } from '../../core/wall-clock.js';
import { rfc3339 } from '../../kube/time.js';
import { catalogue } from '../resources/catalogue.js';
import type { LocalStore } from '../store/object-store.js';
import type { Controller, ControllerContext } from './controller.js';
import { deploymentController } from './deployments.js';
import { endpointsController } from './endpoints.js';
import { eventExpiry } from './events.js';
import { garbageCollector } from './garbage-collector.js';
import { namespaceController } from './namespaces.js';
import { nodeController } from './nodes.js';
import { replicaSetController } from './replica-sets.js';
import { scheduler } from './scheduler.js';

export interface ControllersOptions {
  readonly store: LocalStore;
  readonly clock: Clock;
  /** Default: the machine's wall time, advanced by `clock`. */
  readonly now?: WallClock;
  readonly random: Random;
  /** A controller threw: its round has ended, and the next change starts the next one. */
  readonly onError?: (controller: string, error: unknown) => void;
}

/** The loops of kube-scheduler and kube-controller-manager that a cluster needs most. */
export interface Controllers {
  close(): void;
}

const controllers: readonly Controller[] = [
  namespaceController,
  garbageCollector,
  deploymentController,
  replicaSetController,
  nodeController,
  scheduler,
  endpointsController,
  eventExpiry,
];

const timedEveryMs = 5_000;
/** A round that takes less than this is followed by the next one at once, ms. */
const shortMs = 5;
/** The longest pause between two rounds, ms. */
const maxPauseMs = 500;

/** Starts them; they run until they are closed. One set serves one store. */
export function startControllers(options: ControllersOptions): Controllers {
  const { store, clock, random, onError = () => undefined } = options;
  const now = options.now ?? createWallClock(clock);
  const heartbeats: ControllerContext['heartbeats'] = new Map();
  let pending: Timer | undefined;
  const run = (chosen: readonly Controller[]): void => {
    const nowMs = now();
    const steadyMs = clock.now();
    const context = { store, random, nowMs, steadyMs, heartbeats, timestamp: rfc3339(nowMs) };
    for (const { name, reconcile } of chosen) {
      try {
        reconcile(context);
      } catch (error) {
        onError(name, error);
      }
    }
  };
  let position = 0;
  let pauseMs = 0;
  // Many changes at once are one round. A round's own changes start the next round. Each looks at all objects: where
  // these are many, there is a pause between two rounds, so that requests have their turns.
  const wake = (): void => {
    pending ??= clock.after(pauseMs, () => {
      pending = undefined;
      const from = position;
      position = store.revision;
      const beganMs = clock.now();
      if (hasNews(store, from)) run(controllers);
      const tookMs = clock.now() - beganMs;
      pauseMs = tookMs < shortMs ? 0 : Math.min(4 * tookMs, maxPauseMs);
    });
  };
  const unsubscribe = store.subscribe(wake);
  const tick = (): void => {
    run(controllers.filter(({ isTimed }) => isTimed === true));
    timer = clock.after(timedEveryMs, tick, true);
  };
  let timer = clock.after(timedEveryMs, tick, true);
  wake();
  return {
    close: () => {
      unsubscribe();
      pending?.cancel();
      timer.cancel();
    },
  };
}

/** Whether anything has changed that a controller reads. Heartbeats and events are frequent and not read. */
function hasNews(store: LocalStore, from: number): boolean {
  return catalogue.some((resource) => {
    if (resource.virtual === true || resource.kind === 'Event') return false;
    let change = store.nextChange(resource, from);
    while (change !== undefined) {
      if (change === 'forgotten' || resource.kind !== 'Lease' || change.type !== 'MODIFIED') return true;
      change = store.nextChange(resource, change.revision);
    }
    return false;
  });
}
