import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { CloseStdin as _konnsim_kubelet_v1_CloseStdin, CloseStdin__Output as _konnsim_kubelet_v1_CloseStdin__Output } from './konnsim/kubelet/v1/CloseStdin.js';
import type { Connected as _konnsim_kubelet_v1_Connected, Connected__Output as _konnsim_kubelet_v1_Connected__Output } from './konnsim/kubelet/v1/Connected.js';
import type { ContainerSummary as _konnsim_kubelet_v1_ContainerSummary, ContainerSummary__Output as _konnsim_kubelet_v1_ContainerSummary__Output } from './konnsim/kubelet/v1/ContainerSummary.js';
import type { ExecMessage as _konnsim_kubelet_v1_ExecMessage, ExecMessage__Output as _konnsim_kubelet_v1_ExecMessage__Output } from './konnsim/kubelet/v1/ExecMessage.js';
import type { ExecOutput as _konnsim_kubelet_v1_ExecOutput, ExecOutput__Output as _konnsim_kubelet_v1_ExecOutput__Output } from './konnsim/kubelet/v1/ExecOutput.js';
import type { ExecStart as _konnsim_kubelet_v1_ExecStart, ExecStart__Output as _konnsim_kubelet_v1_ExecStart__Output } from './konnsim/kubelet/v1/ExecStart.js';
import type { Exit as _konnsim_kubelet_v1_Exit, Exit__Output as _konnsim_kubelet_v1_Exit__Output } from './konnsim/kubelet/v1/Exit.js';
import type { HalfClose as _konnsim_kubelet_v1_HalfClose, HalfClose__Output as _konnsim_kubelet_v1_HalfClose__Output } from './konnsim/kubelet/v1/HalfClose.js';
import type { KubeletClient as _konnsim_kubelet_v1_KubeletClient, KubeletDefinition as _konnsim_kubelet_v1_KubeletDefinition } from './konnsim/kubelet/v1/Kubelet.js';
import type { ListPodsRequest as _konnsim_kubelet_v1_ListPodsRequest, ListPodsRequest__Output as _konnsim_kubelet_v1_ListPodsRequest__Output } from './konnsim/kubelet/v1/ListPodsRequest.js';
import type { ListPodsResponse as _konnsim_kubelet_v1_ListPodsResponse, ListPodsResponse__Output as _konnsim_kubelet_v1_ListPodsResponse__Output } from './konnsim/kubelet/v1/ListPodsResponse.js';
import type { LogChunk as _konnsim_kubelet_v1_LogChunk, LogChunk__Output as _konnsim_kubelet_v1_LogChunk__Output } from './konnsim/kubelet/v1/LogChunk.js';
import type { LogsRequest as _konnsim_kubelet_v1_LogsRequest, LogsRequest__Output as _konnsim_kubelet_v1_LogsRequest__Output } from './konnsim/kubelet/v1/LogsRequest.js';
import type { PodSummary as _konnsim_kubelet_v1_PodSummary, PodSummary__Output as _konnsim_kubelet_v1_PodSummary__Output } from './konnsim/kubelet/v1/PodSummary.js';
import type { PortForwardRequest as _konnsim_kubelet_v1_PortForwardRequest, PortForwardRequest__Output as _konnsim_kubelet_v1_PortForwardRequest__Output } from './konnsim/kubelet/v1/PortForwardRequest.js';
import type { PortForwardResponse as _konnsim_kubelet_v1_PortForwardResponse, PortForwardResponse__Output as _konnsim_kubelet_v1_PortForwardResponse__Output } from './konnsim/kubelet/v1/PortForwardResponse.js';
import type { PortForwardStart as _konnsim_kubelet_v1_PortForwardStart, PortForwardStart__Output as _konnsim_kubelet_v1_PortForwardStart__Output } from './konnsim/kubelet/v1/PortForwardStart.js';
import type { TerminalSize as _konnsim_kubelet_v1_TerminalSize, TerminalSize__Output as _konnsim_kubelet_v1_TerminalSize__Output } from './konnsim/kubelet/v1/TerminalSize.js';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  konnsim: {
    kubelet: {
      v1: {
        CloseStdin: MessageTypeDefinition<_konnsim_kubelet_v1_CloseStdin, _konnsim_kubelet_v1_CloseStdin__Output>
        Connected: MessageTypeDefinition<_konnsim_kubelet_v1_Connected, _konnsim_kubelet_v1_Connected__Output>
        ContainerSummary: MessageTypeDefinition<_konnsim_kubelet_v1_ContainerSummary, _konnsim_kubelet_v1_ContainerSummary__Output>
        ExecMessage: MessageTypeDefinition<_konnsim_kubelet_v1_ExecMessage, _konnsim_kubelet_v1_ExecMessage__Output>
        ExecOutput: MessageTypeDefinition<_konnsim_kubelet_v1_ExecOutput, _konnsim_kubelet_v1_ExecOutput__Output>
        ExecStart: MessageTypeDefinition<_konnsim_kubelet_v1_ExecStart, _konnsim_kubelet_v1_ExecStart__Output>
        Exit: MessageTypeDefinition<_konnsim_kubelet_v1_Exit, _konnsim_kubelet_v1_Exit__Output>
        HalfClose: MessageTypeDefinition<_konnsim_kubelet_v1_HalfClose, _konnsim_kubelet_v1_HalfClose__Output>
        Kubelet: SubtypeConstructor<typeof grpc.Client, _konnsim_kubelet_v1_KubeletClient> & { service: _konnsim_kubelet_v1_KubeletDefinition }
        ListPodsRequest: MessageTypeDefinition<_konnsim_kubelet_v1_ListPodsRequest, _konnsim_kubelet_v1_ListPodsRequest__Output>
        ListPodsResponse: MessageTypeDefinition<_konnsim_kubelet_v1_ListPodsResponse, _konnsim_kubelet_v1_ListPodsResponse__Output>
        LogChunk: MessageTypeDefinition<_konnsim_kubelet_v1_LogChunk, _konnsim_kubelet_v1_LogChunk__Output>
        LogsRequest: MessageTypeDefinition<_konnsim_kubelet_v1_LogsRequest, _konnsim_kubelet_v1_LogsRequest__Output>
        PodSummary: MessageTypeDefinition<_konnsim_kubelet_v1_PodSummary, _konnsim_kubelet_v1_PodSummary__Output>
        PortForwardRequest: MessageTypeDefinition<_konnsim_kubelet_v1_PortForwardRequest, _konnsim_kubelet_v1_PortForwardRequest__Output>
        PortForwardResponse: MessageTypeDefinition<_konnsim_kubelet_v1_PortForwardResponse, _konnsim_kubelet_v1_PortForwardResponse__Output>
        PortForwardStart: MessageTypeDefinition<_konnsim_kubelet_v1_PortForwardStart, _konnsim_kubelet_v1_PortForwardStart__Output>
        TerminalSize: MessageTypeDefinition<_konnsim_kubelet_v1_TerminalSize, _konnsim_kubelet_v1_TerminalSize__Output>
      }
    }
  }
}

