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
  /**
   * fc1: how many payload bytes the frontend takes before it gives credit. 0: no flow control.
   */
  'initWindow'?: (number);
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
  /**
   * fc1: how many payload bytes the frontend takes before it gives credit. 0: no flow control.
   */
  'initWindow': (number);
}
