// Original file: proto/client.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { Packet as _Packet, Packet__Output as _Packet__Output } from './Packet.js';

/**
 * A frontend (kube-apiserver, TunnelClient) opens one Proxy stream per tunnelled connection.
 */
export interface ProxyServiceClient extends grpc.Client {
  Proxy(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_Packet, _Packet__Output>;
  Proxy(options?: grpc.CallOptions): grpc.ClientDuplexStream<_Packet, _Packet__Output>;
  proxy(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_Packet, _Packet__Output>;
  proxy(options?: grpc.CallOptions): grpc.ClientDuplexStream<_Packet, _Packet__Output>;
  
}

/**
 * A frontend (kube-apiserver, TunnelClient) opens one Proxy stream per tunnelled connection.
 */
export interface ProxyServiceHandlers extends grpc.UntypedServiceImplementation {
  Proxy: grpc.handleBidiStreamingCall<_Packet__Output, _Packet>;
  
}

export interface ProxyServiceDefinition extends grpc.ServiceDefinition {
  Proxy: MethodDefinition<_Packet, _Packet, _Packet__Output, _Packet__Output>
}
