// Original file: proto/kubelet.proto

import type { PortForwardStart as _konnsim_kubelet_v1_PortForwardStart, PortForwardStart__Output as _konnsim_kubelet_v1_PortForwardStart__Output } from '../../../konnsim/kubelet/v1/PortForwardStart.js';
import type { HalfClose as _konnsim_kubelet_v1_HalfClose, HalfClose__Output as _konnsim_kubelet_v1_HalfClose__Output } from '../../../konnsim/kubelet/v1/HalfClose.js';

export interface PortForwardRequest {
  'start'?: (_konnsim_kubelet_v1_PortForwardStart | null);
  'data'?: (Buffer | Uint8Array | string);
  /**
   * No more data from the client; the other direction stays open.
   */
  'halfClose'?: (_konnsim_kubelet_v1_HalfClose | null);
  'message'?: "start"|"data"|"halfClose";
}

export interface PortForwardRequest__Output {
  'start'?: (_konnsim_kubelet_v1_PortForwardStart__Output | null);
  'data'?: (Buffer);
  /**
   * No more data from the client; the other direction stays open.
   */
  'halfClose'?: (_konnsim_kubelet_v1_HalfClose__Output | null);
  'message'?: "start"|"data"|"halfClose";
}
