// Original file: proto/client.proto

import type { Long } from '@grpc/proto-loader';

/**
 * Gives up a dial that has no answer yet.
 */
export interface CloseDial {
  'random'?: (number | string | Long);
}

/**
 * Gives up a dial that has no answer yet.
 */
export interface CloseDial__Output {
  'random': (string);
}
