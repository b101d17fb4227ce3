// Original file: proto/store.proto

import type { Long } from '@grpc/proto-loader';

export interface FollowRequest {
  /**
   * Where the caller's state is from, as the last message said; empty when it has none.
   */
  'run'?: (string);
  'revision'?: (number | string | Long);
}

export interface FollowRequest__Output {
  /**
   * Where the caller's state is from, as the last message said; empty when it has none.
   */
  'run': (string);
  'revision': (string);
}
