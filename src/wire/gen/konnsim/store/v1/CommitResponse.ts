// Original file: proto/store.proto

import type { Long } from '@grpc/proto-loader';

export interface CommitResponse {
  /**
   * The object is not as expected; nothing was written.
   */
  'conflict'?: (boolean);
  /**
   * What a follower has reached when it has seen the write, or what was in its way.
   */
  'revision'?: (number | string | Long);
  /**
   * Of the object as it was put.
   */
  'objectRevision'?: (number | string | Long);
}

export interface CommitResponse__Output {
  /**
   * The object is not as expected; nothing was written.
   */
  'conflict': (boolean);
  /**
   * What a follower has reached when it has seen the write, or what was in its way.
   */
  'revision': (string);
  /**
   * Of the object as it was put.
   */
  'objectRevision': (string);
}
