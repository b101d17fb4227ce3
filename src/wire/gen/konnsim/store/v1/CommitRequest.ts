// Original file: proto/store.proto

import type { Identity as _konnsim_store_v1_Identity, Identity__Output as _konnsim_store_v1_Identity__Output } from '../../../konnsim/store/v1/Identity.js';
import type { Long } from '@grpc/proto-loader';

export interface CommitRequest {
  /**
   * The revision that the object must have, 0 for an object that must not be there.
   */
  'expectedRevision'?: (number | string | Long);
  'put'?: (Buffer | Uint8Array | string);
  'remove'?: (_konnsim_store_v1_Identity | null);
  /**
   * The object goes in the same step, after it was put: followers see both.
   */
  'thenRemove'?: (boolean);
  'change'?: "put"|"remove";
}

export interface CommitRequest__Output {
  /**
   * The revision that the object must have, 0 for an object that must not be there.
   */
  'expectedRevision': (string);
  'put'?: (Buffer);
  'remove'?: (_konnsim_store_v1_Identity__Output | null);
  /**
   * The object goes in the same step, after it was put: followers see both.
   */
  'thenRemove': (boolean);
  'change'?: "put"|"remove";
}
