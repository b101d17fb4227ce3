// Original file: proto/client.proto

import type { Long } from '@grpc/proto-loader';

export interface CloseRequest {
  'connectID'?: (number | string | Long);
}

export interface CloseRequest__Output {
  'connectID': (string);
}
