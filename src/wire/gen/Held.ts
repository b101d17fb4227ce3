// Original file: proto/client.proto

import type { Long } from '@grpc/proto-loader';

/**
 * ids1: connections that the sender of this packet holds open, at most 1000.
 */
export interface Held {
  'connectIDs'?: (number | string | Long)[];
}

/**
 * ids1: connections that the sender of this packet holds open, at most 1000.
 */
export interface Held__Output {
  'connectIDs': (string)[];
}
