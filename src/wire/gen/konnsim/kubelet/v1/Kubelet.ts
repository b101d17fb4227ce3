// Original file: proto/kubelet.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { ExecMessage as _konnsim_kubelet_v1_ExecMessage, ExecMessage__Output as _konnsim_kubelet_v1_ExecMessage__Output } from '../../../konnsim/kubelet/v1/ExecMessage.js';
import type { ExecOutput as _konnsim_kubelet_v1_ExecOutput, ExecOutput__Output as _konnsim_kubelet_v1_ExecOutput__Output } from '../../../konnsim/kubelet/v1/ExecOutput.js';
import type { ListPodsRequest as _konnsim_kubelet_v1_ListPodsRequest, ListPodsRequest__Output as _konnsim_kubelet_v1_ListPodsRequest__Output } from '../../../konnsim/kubelet/v1/ListPodsRequest.js';
import type { ListPodsResponse as _konnsim_kubelet_v1_ListPodsResponse, ListPodsResponse__Output as _konnsim_kubelet_v1_ListPodsResponse__Output } from '../../../konnsim/kubelet/v1/ListPodsResponse.js';
import type { LogChunk as _konnsim_kubelet_v1_LogChunk, LogChunk__Output as _konnsim_kubelet_v1_LogChunk__Output } from '../../../konnsim/kubelet/v1/LogChunk.js';
import type { LogsRequest as _konnsim_kubelet_v1_LogsRequest, LogsRequest__Output as _konnsim_kubelet_v1_LogsRequest__Output } from '../../../konnsim/kubelet/v1/LogsRequest.js';
import type { PortForwardRequest as _konnsim_kubelet_v1_PortForwardRequest, PortForwardRequest__Output as _konnsim_kubelet_v1_PortForwardRequest__Output } from '../../../konnsim/kubelet/v1/PortForwardRequest.js';
import type { PortForwardResponse as _konnsim_kubelet_v1_PortForwardResponse, PortForwardResponse__Output as _konnsim_kubelet_v1_PortForwardResponse__Output } from '../../../konnsim/kubelet/v1/PortForwardResponse.js';

export interface KubeletClient extends grpc.Client {
  /**
   * Joins the main process of a container. As Exec, with no command; the terminal is the container's own.
   */
  Attach(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_konnsim_kubelet_v1_ExecMessage, _konnsim_kubelet_v1_ExecOutput__Output>;
  Attach(options?: grpc.CallOptions): grpc.ClientDuplexStream<_konnsim_kubelet_v1_ExecMessage, _konnsim_kubelet_v1_ExecOutput__Output>;
  /**
   * Joins the main process of a container. As Exec, with no command; the terminal is the container's own.
   */
  attach(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_konnsim_kubelet_v1_ExecMessage, _konnsim_kubelet_v1_ExecOutput__Output>;
  attach(options?: grpc.CallOptions): grpc.ClientDuplexStream<_konnsim_kubelet_v1_ExecMessage, _konnsim_kubelet_v1_ExecOutput__Output>;
  
  /**
   * Runs a command in a container. The first message is `start`. The client half-closes when it has nothing more
   * to send; cancelling the call kills the command. `exit` is the last message.
   */
  Exec(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_konnsim_kubelet_v1_ExecMessage, _konnsim_kubelet_v1_ExecOutput__Output>;
  Exec(options?: grpc.CallOptions): grpc.ClientDuplexStream<_konnsim_kubelet_v1_ExecMessage, _konnsim_kubelet_v1_ExecOutput__Output>;
  /**
   * Runs a command in a container. The first message is `start`. The client half-closes when it has nothing more
   * to send; cancelling the call kills the command. `exit` is the last message.
   */
  exec(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_konnsim_kubelet_v1_ExecMessage, _konnsim_kubelet_v1_ExecOutput__Output>;
  exec(options?: grpc.CallOptions): grpc.ClientDuplexStream<_konnsim_kubelet_v1_ExecMessage, _konnsim_kubelet_v1_ExecOutput__Output>;
  
  /**
   * The pods of this node.
   */
  ListPods(argument: _konnsim_kubelet_v1_ListPodsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_konnsim_kubelet_v1_ListPodsResponse__Output>): grpc.ClientUnaryCall;
  ListPods(argument: _konnsim_kubelet_v1_ListPodsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_konnsim_kubelet_v1_ListPodsResponse__Output>): grpc.ClientUnaryCall;
  ListPods(argument: _konnsim_kubelet_v1_ListPodsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_konnsim_kubelet_v1_ListPodsResponse__Output>): grpc.ClientUnaryCall;
  ListPods(argument: _konnsim_kubelet_v1_ListPodsRequest, callback: grpc.requestCallback<_konnsim_kubelet_v1_ListPodsResponse__Output>): grpc.ClientUnaryCall;
  /**
   * The pods of this node.
   */
  listPods(argument: _konnsim_kubelet_v1_ListPodsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_konnsim_kubelet_v1_ListPodsResponse__Output>): grpc.ClientUnaryCall;
  listPods(argument: _konnsim_kubelet_v1_ListPodsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_konnsim_kubelet_v1_ListPodsResponse__Output>): grpc.ClientUnaryCall;
  listPods(argument: _konnsim_kubelet_v1_ListPodsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_konnsim_kubelet_v1_ListPodsResponse__Output>): grpc.ClientUnaryCall;
  listPods(argument: _konnsim_kubelet_v1_ListPodsRequest, callback: grpc.requestCallback<_konnsim_kubelet_v1_ListPodsResponse__Output>): grpc.ClientUnaryCall;
  
  /**
   * Response metadata come as soon as the log is open, even when there is no line yet.
   */
  Logs(argument: _konnsim_kubelet_v1_LogsRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_konnsim_kubelet_v1_LogChunk__Output>;
  Logs(argument: _konnsim_kubelet_v1_LogsRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_konnsim_kubelet_v1_LogChunk__Output>;
  /**
   * Response metadata come as soon as the log is open, even when there is no line yet.
   */
  logs(argument: _konnsim_kubelet_v1_LogsRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_konnsim_kubelet_v1_LogChunk__Output>;
  logs(argument: _konnsim_kubelet_v1_LogsRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_konnsim_kubelet_v1_LogChunk__Output>;
  
  /**
   * One connection to a port inside a pod. The first message is `start`, the first answer `connected`.
   */
  PortForward(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_konnsim_kubelet_v1_PortForwardRequest, _konnsim_kubelet_v1_PortForwardResponse__Output>;
  PortForward(options?: grpc.CallOptions): grpc.ClientDuplexStream<_konnsim_kubelet_v1_PortForwardRequest, _konnsim_kubelet_v1_PortForwardResponse__Output>;
  /**
   * One connection to a port inside a pod. The first message is `start`, the first answer `connected`.
   */
  portForward(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_konnsim_kubelet_v1_PortForwardRequest, _konnsim_kubelet_v1_PortForwardResponse__Output>;
  portForward(options?: grpc.CallOptions): grpc.ClientDuplexStream<_konnsim_kubelet_v1_PortForwardRequest, _konnsim_kubelet_v1_PortForwardResponse__Output>;
  
}

export interface KubeletHandlers extends grpc.UntypedServiceImplementation {
  /**
   * Joins the main process of a container. As Exec, with no command; the terminal is the container's own.
   */
  Attach: grpc.handleBidiStreamingCall<_konnsim_kubelet_v1_ExecMessage__Output, _konnsim_kubelet_v1_ExecOutput>;
  
  /**
   * Runs a command in a container. The first message is `start`. The client half-closes when it has nothing more
   * to send; cancelling the call kills the command. `exit` is the last message.
   */
  Exec: grpc.handleBidiStreamingCall<_konnsim_kubelet_v1_ExecMessage__Output, _konnsim_kubelet_v1_ExecOutput>;
  
  /**
   * The pods of this node.
   */
  ListPods: grpc.handleUnaryCall<_konnsim_kubelet_v1_ListPodsRequest__Output, _konnsim_kubelet_v1_ListPodsResponse>;
  
  /**
   * Response metadata come as soon as the log is open, even when there is no line yet.
   */
  Logs: grpc.handleServerStreamingCall<_konnsim_kubelet_v1_LogsRequest__Output, _konnsim_kubelet_v1_LogChunk>;
  
  /**
   * One connection to a port inside a pod. The first message is `start`, the first answer `connected`.
   */
  PortForward: grpc.handleBidiStreamingCall<_konnsim_kubelet_v1_PortForwardRequest__Output, _konnsim_kubelet_v1_PortForwardResponse>;
  
}

export interface KubeletDefinition extends grpc.ServiceDefinition {
  Attach: MethodDefinition<_konnsim_kubelet_v1_ExecMessage, _konnsim_kubelet_v1_ExecOutput, _konnsim_kubelet_v1_ExecMessage__Output, _konnsim_kubelet_v1_ExecOutput__Output>
  Exec: MethodDefinition<_konnsim_kubelet_v1_ExecMessage, _konnsim_kubelet_v1_ExecOutput, _konnsim_kubelet_v1_ExecMessage__Output, _konnsim_kubelet_v1_ExecOutput__Output>
  ListPods: MethodDefinition<_konnsim_kubelet_v1_ListPodsRequest, _konnsim_kubelet_v1_ListPodsResponse, _konnsim_kubelet_v1_ListPodsRequest__Output, _konnsim_kubelet_v1_ListPodsResponse__Output>
  Logs: MethodDefinition<_konnsim_kubelet_v1_LogsRequest, _konnsim_kubelet_v1_LogChunk, _konnsim_kubelet_v1_LogsRequest__Output, _konnsim_kubelet_v1_LogChunk__Output>
  PortForward: MethodDefinition<_konnsim_kubelet_v1_PortForwardRequest, _konnsim_kubelet_v1_PortForwardResponse, _konnsim_kubelet_v1_PortForwardRequest__Output, _konnsim_kubelet_v1_PortForwardResponse__Output>
}
