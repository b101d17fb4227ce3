// Original file: proto/client.proto

import type { Long } from '@grpc/proto-loader';

export interface DialResponse {
  /**
   * Empty means success.
   */
  'error'?: (string);
  /**
   * Chosen by the agent, from 1; 0 on error.
   */
  'connectID'?: (number | string | Long);
  /**
   * Echo of the dial ID.
   */
  'random'?: (number | string | Long);
  /**
   * fc1: how many payload bytes the agent takes before it gives credit. 0: no flow control.
   */
  'initWindow'?: (number);
}

export interface DialResponse__Output {
  /**
   * Empty means success.
   */
  'error': (string);
  /**
   * Chosen by the agent, from 1; 0 on error.
   */
  'connectID': (string);
  /**
   * Echo of the dial ID.
   */
  'random': (string);
  /**
   * fc1: how many payload bytes the agent takes before it gives credit. 0: no flow control.
   */
  'initWindow': (number);
}
