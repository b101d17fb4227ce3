// Original file: proto/client.proto

import type { Long } from '@grpc/proto-loader';

/**
 * fc1: the sender of this packet has taken bytes, so that as many more may be sent to it.
 */
export interface WindowUpdate {
  'connectID'?: (number | string | Long);
  /**
   * Payload bytes.
   */
  'credit'?: (number);
}

/**
 * fc1: the sender of this packet has taken bytes, so that as many more may be sent to it.
 */
export interface WindowUpdate__Output {
  'connectID': (string);
  /**
   * Payload bytes.
   */
  'credit': (number);
}
