// Original file: proto/store.proto

import type { Identity as _konnsim_store_v1_Identity, Identity__Output as _konnsim_store_v1_Identity__Output } from '../../../konnsim/store/v1/Identity.js';
import type { Long } from '@grpc/proto-loader';

export interface Change {
  'revision'?: (number | string | Long);
  'put'?: (Buffer | Uint8Array | string);
  'removed'?: (_konnsim_store_v1_Identity | null);
  'change'?: "put"|"removed";
}

export interface Change__Output {
  'revision': (string);
  'put'?: (Buffer);
  'removed'?: (_konnsim_store_v1_Identity__Output | null);
  'change'?: "put"|"removed";
}
