// Original file: proto/observe.proto

import type { Long } from '@grpc/proto-loader';

export interface EventsRequest {
  /**
   * Stay and send what comes; else the call ends behind what is there.
   */
  'follow'?: (boolean);
  /**
   * Only events after this place of this run: what a caller names that comes back. Of another run it gets all.
   */
  'run'?: (string);
  'afterSeq'?: (number | string | Long);
  /**
   * Packets, too: every DATA is an event.
   */
  'packets'?: (boolean);
}

export interface EventsRequest__Output {
  /**
   * Stay and send what comes; else the call ends behind what is there.
   */
  'follow': (boolean);
  /**
   * Only events after this place of this run: what a caller names that comes back. Of another run it gets all.
   */
  'run': (string);
  'afterSeq': (string);
  /**
   * Packets, too: every DATA is an event.
   */
  'packets': (boolean);
}
