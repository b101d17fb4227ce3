// Original file: proto/store.proto

import type { Long } from '@grpc/proto-loader';

export interface ReadRevisionResponse {
  'revision'?: (number | string | Long);
}

export interface ReadRevisionResponse__Output {
  'revision': (string);
}
