// Original file: proto/store.proto

import type { Change as _konnsim_store_v1_Change, Change__Output as _konnsim_store_v1_Change__Output } from '../../../konnsim/store/v1/Change.js';
import type { Long } from '@grpc/proto-loader';

export interface FollowResponse {
  /**
   * One start of the store. In the first message only.
   */
  'run'?: (string);
  /**
   * What the caller has when it has taken this message.
   */
  'revision'?: (number | string | Long);
  /**
   * The caller is to forget what it has: `objects` of this and of the messages up to `listed` are all that there are.
   */
  'listing'?: (boolean);
  'listed'?: (boolean);
  'objects'?: (Buffer | Uint8Array | string)[];
  'changes'?: (_konnsim_store_v1_Change)[];
}

export interface FollowResponse__Output {
  /**
   * One start of the store. In the first message only.
   */
  'run': (string);
  /**
   * What the caller has when it has taken this message.
   */
  'revision': (string);
  /**
   * The caller is to forget what it has: `objects` of this and of the messages up to `listed` are all that there are.
   */
  'listing': (boolean);
  'listed': (boolean);
  'objects': (Buffer)[];
  'changes': (_konnsim_store_v1_Change__Output)[];
}
