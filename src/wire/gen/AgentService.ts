// Original file: proto/agent.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { Packet as _Packet, Packet__Output as _Packet__Output } from './Packet.js';

/**
 * An agent dials out and opens one Connect stream per proxy-server; dials travel back over it.
 * Request metadata: agentid, agentidentifiers. Initial response metadata: serverid, servercount.
 */
export interface AgentServiceClient extends grpc.Client {
  Connect(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_Packet, _Packet__Output>;
  Connect(options?: grpc.CallOptions): grpc.ClientDuplexStream<_Packet, _Packet__Output>;
  connect(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_Packet, _Packet__Output>;
  connect(options?: grpc.CallOptions): grpc.ClientDuplexStream<_Packet, _Packet__Output>;
  
}

/**
 * An agent dials out and opens one Connect stream per proxy-server; dials travel back over it.
 * Request metadata: agentid, agentidentifiers. Initial response metadata: serverid, servercount.
 */
export interface AgentServiceHandlers extends grpc.UntypedServiceImplementation {
  Connect: grpc.handleBidiStreamingCall<_Packet__Output, _Packet>;
  
}

export interface AgentServiceDefinition extends grpc.ServiceDefinition {
  Connect: MethodDefinition<_Packet, _Packet, _Packet__Output, _Packet__Output>
}
