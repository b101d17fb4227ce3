// Original file: proto/observe.proto

import type { Event as _konnsim_observe_v1_Event, Event__Output as _konnsim_observe_v1_Event__Output } from '../../../konnsim/observe/v1/Event.js';
import type { Long } from '@grpc/proto-loader';

export interface EventBatch {
  /**
   * One start of the process.
   */
  'run'?: (string);
  /**
   * The process's wall clock when it sent this: milliseconds since 1970.
   */
  'nowMs'?: (number | string);
  /**
   * Events that the process no longer held, or that this call was too slow to take.
   */
  'missed'?: (number | string | Long);
  'events'?: (_konnsim_observe_v1_Event)[];
}

export interface EventBatch__Output {
  /**
   * One start of the process.
   */
  'run': (string);
  /**
   * The process's wall clock when it sent this: milliseconds since 1970.
   */
  'nowMs': (number);
  /**
   * Events that the process no longer held, or that this call was too slow to take.
   */
  'missed': (string);
  'events': (_konnsim_observe_v1_Event__Output)[];
}
