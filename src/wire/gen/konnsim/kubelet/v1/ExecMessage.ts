// Original file: proto/kubelet.proto

import type { ExecStart as _konnsim_kubelet_v1_ExecStart, ExecStart__Output as _konnsim_kubelet_v1_ExecStart__Output } from '../../../konnsim/kubelet/v1/ExecStart.js';
import type { CloseStdin as _konnsim_kubelet_v1_CloseStdin, CloseStdin__Output as _konnsim_kubelet_v1_CloseStdin__Output } from '../../../konnsim/kubelet/v1/CloseStdin.js';
import type { TerminalSize as _konnsim_kubelet_v1_TerminalSize, TerminalSize__Output as _konnsim_kubelet_v1_TerminalSize__Output } from '../../../konnsim/kubelet/v1/TerminalSize.js';

export interface ExecMessage {
  'start'?: (_konnsim_kubelet_v1_ExecStart | null);
  'stdin'?: (Buffer | Uint8Array | string);
  /**
   * End of stdin; the call goes on.
   */
  'closeStdin'?: (_konnsim_kubelet_v1_CloseStdin | null);
  'resize'?: (_konnsim_kubelet_v1_TerminalSize | null);
  'message'?: "start"|"stdin"|"closeStdin"|"resize";
}

export interface ExecMessage__Output {
  'start'?: (_konnsim_kubelet_v1_ExecStart__Output | null);
  'stdin'?: (Buffer);
  /**
   * End of stdin; the call goes on.
   */
  'closeStdin'?: (_konnsim_kubelet_v1_CloseStdin__Output | null);
  'resize'?: (_konnsim_kubelet_v1_TerminalSize__Output | null);
  'message'?: "start"|"stdin"|"closeStdin"|"resize";
}
