// Original file: proto/client.proto

import type { Long } from '@grpc/proto-loader';

export interface CloseResponse {
  'error'?: (string);
  'connectID'?: (number | string | Long);
}

export interface CloseResponse__Output {
  'error': (string);
  'connectID': (string);
}
