// Original file: proto/client.proto

import type { Long } from '@grpc/proto-loader';

export interface Data {
  'connectID'?: (number | string | Long);
  /**
   * Never set.
   */
  'error'?: (string);
  /**
   * Never empty: an empty DATA reads as end of stream at the frontend.
   */
  'data'?: (Buffer | Uint8Array | string);
}

export interface Data__Output {
  'connectID': (string);
  /**
   * Never set.
   */
  'error': (string);
  /**
   * Never empty: an empty DATA reads as end of stream at the frontend.
   */
  'data': (Buffer);
}
