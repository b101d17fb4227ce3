import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { AgentServiceClient as _AgentServiceClient, AgentServiceDefinition as _AgentServiceDefinition } from './AgentService.js';
import type { CloseDial as _CloseDial, CloseDial__Output as _CloseDial__Output } from './CloseDial.js';
import type { CloseRequest as _CloseRequest, CloseRequest__Output as _CloseRequest__Output } from './CloseRequest.js';
import type { CloseResponse as _CloseResponse, CloseResponse__Output as _CloseResponse__Output } from './CloseResponse.js';
import type { Data as _Data, Data__Output as _Data__Output } from './Data.js';
import type { DialRequest as _DialRequest, DialRequest__Output as _DialRequest__Output } from './DialRequest.js';
import type { DialResponse as _DialResponse, DialResponse__Output as _DialResponse__Output } from './DialResponse.js';
import type { Drain as _Drain, Drain__Output as _Drain__Output } from './Drain.js';
import type { Held as _Held, Held__Output as _Held__Output } from './Held.js';
import type { Packet as _Packet, Packet__Output as _Packet__Output } from './Packet.js';
import type { ProxyServiceClient as _ProxyServiceClient, ProxyServiceDefinition as _ProxyServiceDefinition } from './ProxyService.js';
import type { WindowUpdate as _WindowUpdate, WindowUpdate__Output as _WindowUpdate__Output } from './WindowUpdate.js';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  /**
   * An agent dials out and opens one Connect stream per proxy-server; dials travel back over it.
   * Request metadata: agentid, agentidentifiers. Initial response metadata: serverid, servercount.
   */
  AgentService: SubtypeConstructor<typeof grpc.Client, _AgentServiceClient> & { service: _AgentServiceDefinition }
  CloseDial: MessageTypeDefinition<_CloseDial, _CloseDial__Output>
  CloseRequest: MessageTypeDefinition<_CloseRequest, _CloseRequest__Output>
  CloseResponse: MessageTypeDefinition<_CloseResponse, _CloseResponse__Output>
  Data: MessageTypeDefinition<_Data, _Data__Output>
  DialRequest: MessageTypeDefinition<_DialRequest, _DialRequest__Output>
  DialResponse: MessageTypeDefinition<_DialResponse, _DialResponse__Output>
  Drain: MessageTypeDefinition<_Drain, _Drain__Output>
  Held: MessageTypeDefinition<_Held, _Held__Output>
  Packet: MessageTypeDefinition<_Packet, _Packet__Output>
  PacketType: EnumTypeDefinition
  /**
   * A frontend (kube-apiserver, TunnelClient) opens one Proxy stream per tunnelled connection.
   */
  ProxyService: SubtypeConstructor<typeof grpc.Client, _ProxyServiceClient> & { service: _ProxyServiceDefinition }
  WindowUpdate: MessageTypeDefinition<_WindowUpdate, _WindowUpdate__Output>
}

