// Original file: proto/kubelet.proto

import type { Long } from '@grpc/proto-loader';

export interface LogsRequest {
  'namespace'?: (string);
  'pod'?: (string);
  'container'?: (string);
  'uid'?: (string);
  'follow'?: (boolean);
  /**
   * The log of the container's last terminated run.
   */
  'previous'?: (boolean);
  'timestamps'?: (boolean);
  /**
   * Only lines since this time, in milliseconds since 1970.
   */
  'sinceTimeMs'?: (number | string | Long);
  'tailLines'?: (number | string | Long);
  'limitBytes'?: (number | string | Long);
  '_sinceTimeMs'?: "sinceTimeMs";
  '_tailLines'?: "tailLines";
  '_limitBytes'?: "limitBytes";
}

export interface LogsRequest__Output {
  'namespace': (string);
  'pod': (string);
  'container': (string);
  'uid': (string);
  'follow': (boolean);
  /**
   * The log of the container's last terminated run.
   */
  'previous': (boolean);
  'timestamps': (boolean);
  /**
   * Only lines since this time, in milliseconds since 1970.
   */
  'sinceTimeMs'?: (string);
  'tailLines'?: (string);
  'limitBytes'?: (string);
  '_sinceTimeMs'?: "sinceTimeMs";
  '_tailLines'?: "tailLines";
  '_limitBytes'?: "limitBytes";
}
