// Original file: proto/kubelet.proto

import type { PodSummary as _konnsim_kubelet_v1_PodSummary, PodSummary__Output as _konnsim_kubelet_v1_PodSummary__Output } from '../../../konnsim/kubelet/v1/PodSummary.js';

export interface ListPodsResponse {
  'pods'?: (_konnsim_kubelet_v1_PodSummary)[];
}

export interface ListPodsResponse__Output {
  'pods': (_konnsim_kubelet_v1_PodSummary__Output)[];
}
