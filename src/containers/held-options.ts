import type { Clock } from '../core/clock.js';
import type { EventSink } from '../core/events.js';
import type { Random } from '../core/random.js';
import type { Container, Pod } from '../kube/pod-objects.js';
import type { ContainerRole } from './container-words.js';
import type { LogStore } from './logs/log-store.js';
import type { ContainerNews, ContainerUsage } from './runtime.js';

/** One run of a container, as far as its record goes. */
export interface HeldRun {
  readonly id: string;
  readonly startedAtMs: number;
  readonly logs: LogStore;
  usage(): Promise<Omit<ContainerUsage, 'restartCount'>>;
}

export interface HeldContainerOptions {
  readonly pod: Pod;
  readonly spec: Container;
  readonly role: ContainerRole;
  readonly clock: Clock;
  /** Wall time in epoch milliseconds. */
  readonly now: () => number;
  readonly emit: EventSink;
  readonly random: Random;
  /** The container as it is to be run. Rejects or throws a ConfigError when what it refers to is missing. */
  readonly resolve: (spec: Container) => Container | Promise<Container>;
  /** For events of its pod. */
  readonly report: (news: ContainerNews) => void;
  /** Called when its state has changed. */
  readonly changed: () => void;
}
