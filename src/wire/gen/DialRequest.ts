// Original file: proto/client.proto

import type { Long } from '@grpc/proto-loader';

export interface DialRequest {
  /**
   * Always "tcp".
   */
  'protocol'?: (string);
  /**
   * host:port, IPv6 in brackets.
   */
  'address'?: (string);
  /**
   * The dial ID: a 63-bit random number chosen by the frontend.
   */
  'random'?: (number | string | Long);
}

export interface DialRequest__Output {
  /**
   * Always "tcp".
   */
  'protocol': (string);
  /**
   * host:port, IPv6 in brackets.
   */
  'address': (string);
  /**
   * The dial ID: a 63-bit random number chosen by the frontend.
   */
  'random': (string);
}
