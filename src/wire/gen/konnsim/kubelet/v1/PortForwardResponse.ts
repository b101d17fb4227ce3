// Original file: proto/kubelet.proto

import type { Connected as _konnsim_kubelet_v1_Connected, Connected__Output as _konnsim_kubelet_v1_Connected__Output } from '../../../konnsim/kubelet/v1/Connected.js';
import type { HalfClose as _konnsim_kubelet_v1_HalfClose, HalfClose__Output as _konnsim_kubelet_v1_HalfClose__Output } from '../../../konnsim/kubelet/v1/HalfClose.js';

export interface PortForwardResponse {
  'connected'?: (_konnsim_kubelet_v1_Connected | null);
  'data'?: (Buffer | Uint8Array | string);
  /**
   * No more data from the port; the other direction stays open. The status follows when both are closed.
   */
  'halfClose'?: (_konnsim_kubelet_v1_HalfClose | null);
  'message'?: "connected"|"data"|"halfClose";
}

export interface PortForwardResponse__Output {
  'connected'?: (_konnsim_kubelet_v1_Connected__Output | null);
  'data'?: (Buffer);
  /**
   * No more data from the port; the other direction stays open. The status follows when both are closed.
   */
  'halfClose'?: (_konnsim_kubelet_v1_HalfClose__Output | null);
  'message'?: "connected"|"data"|"halfClose";
}
