// Original file: proto/observe.proto

import type { Value as _konnsim_observe_v1_Value, Value__Output as _konnsim_observe_v1_Value__Output } from '../../../konnsim/observe/v1/Value.js';
import type { Long } from '@grpc/proto-loader';

export interface Event {
  /**
   * 1, 2, 3 … within the run. Places are left out where packets are.
   */
  'seq'?: (number | string | Long);
  /**
   * By the process's wall clock: milliseconds since 1970.
   */
  'wallMs'?: (number | string);
  /**
   * As in the journal: `packet`, `agent.connected`, `flow.forgotten`, …
   */
  'kind'?: (string);
  /**
   * Who says it: ROLE/NAME.
   */
  'node'?: (string);
  /**
   * All other fields of the event.
   */
  'fields'?: ({[key: string]: _konnsim_observe_v1_Value});
}

export interface Event__Output {
  /**
   * 1, 2, 3 … within the run. Places are left out where packets are.
   */
  'seq': (string);
  /**
   * By the process's wall clock: milliseconds since 1970.
   */
  'wallMs': (number);
  /**
   * As in the journal: `packet`, `agent.connected`, `flow.forgotten`, …
   */
  'kind': (string);
  /**
   * Who says it: ROLE/NAME.
   */
  'node': (string);
  /**
   * All other fields of the event.
   */
  'fields': ({[key: string]: _konnsim_observe_v1_Value__Output});
}
