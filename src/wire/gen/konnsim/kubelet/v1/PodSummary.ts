// Original file: proto/kubelet.proto

import type { ContainerSummary as _konnsim_kubelet_v1_ContainerSummary, ContainerSummary__Output as _konnsim_kubelet_v1_ContainerSummary__Output } from '../../../konnsim/kubelet/v1/ContainerSummary.js';

export interface PodSummary {
  'namespace'?: (string);
  'name'?: (string);
  'uid'?: (string);
  'node'?: (string);
  'phase'?: (string);
  'podIp'?: (string);
  /**
   * RFC 3339, as the Kubernetes API shows it.
   */
  'startTime'?: (string);
  'containers'?: (_konnsim_kubelet_v1_ContainerSummary)[];
}

export interface PodSummary__Output {
  'namespace': (string);
  'name': (string);
  'uid': (string);
  'node': (string);
  'phase': (string);
  'podIp': (string);
  /**
   * RFC 3339, as the Kubernetes API shows it.
   */
  'startTime': (string);
  'containers': (_konnsim_kubelet_v1_ContainerSummary__Output)[];
}
