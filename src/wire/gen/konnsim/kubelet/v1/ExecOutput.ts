// Original file: proto/kubelet.proto

import type { Exit as _konnsim_kubelet_v1_Exit, Exit__Output as _konnsim_kubelet_v1_Exit__Output } from '../../../konnsim/kubelet/v1/Exit.js';

export interface ExecOutput {
  'stdout'?: (Buffer | Uint8Array | string);
  'stderr'?: (Buffer | Uint8Array | string);
  'exit'?: (_konnsim_kubelet_v1_Exit | null);
  'message'?: "stdout"|"stderr"|"exit";
}

export interface ExecOutput__Output {
  'stdout'?: (Buffer);
  'stderr'?: (Buffer);
  'exit'?: (_konnsim_kubelet_v1_Exit__Output | null);
  'message'?: "stdout"|"stderr"|"exit";
}
