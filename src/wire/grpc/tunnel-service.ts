import type {
  ChannelOptions,
  ClientDuplexStream,
  MethodDefinition,
  ServerDuplexStream,
  ServiceDefinition,
} from '@grpc/grpc-js';
import type { Packet } from '../../core/packet.js';
import { decodePacket } from '../codec/codec.js';
import { PacketBatch } from '../codec/packet-batch.js';
import { agentService, proxyService } from './proto.js';

export type TunnelMessage = Packet | readonly Packet[] | PacketBatch;

/** grpc-js uses only the length and `copy` of a serialised message, which a PacketBatch has. */
export const serialize = (message: TunnelMessage): Buffer => batchOf(message) as unknown as Buffer;

function batchOf(message: TunnelMessage): PacketBatch {
  if (message instanceof PacketBatch) return message;
  const batch = new PacketBatch();
  for (const packet of isSeveral(message) ? message : [message]) batch.add(packet);
  return batch;
}

const isSeveral = (message: Packet | readonly Packet[]): message is readonly Packet[] =>
  Array.isArray(message);

function withCodec(path: string, originalName: string): MethodDefinition<TunnelMessage, TunnelMessage> {
  return {
    path,
    originalName,
    requestStream: true,
    responseStream: true,
    requestSerialize: serialize,
    responseSerialize: serialize,
    requestDeserialize: decodePacket,
    responseDeserialize: decodePacket,
  };
}

/** `/ProxyService/Proxy`, for frontends: the path from the proto file, with our codec. */
export function proxyServiceDefinition(): ServiceDefinition<{ Proxy: (call: TunnelCall) => void }> {
  return { Proxy: withCodec(proxyService().service.Proxy.path, 'proxy') };
}

/** `/AgentService/Connect`, for agents. */
export function agentServiceDefinition(): ServiceDefinition<{ Connect: (call: TunnelCall) => void }> {
  return { Connect: withCodec(agentService().service.Connect.path, 'connect') };
}

export type TunnelCall = ServerDuplexStream<Packet, TunnelMessage>;
/** The client's end of a call: a frontend's or an agent's. */
export type TunnelClientCall = ClientDuplexStream<TunnelMessage, Packet>;
export type TunnelRpc = 'Proxy' | 'Connect';

/**
 * The receive window of a frontend's connection at the server, bytes. A frontend has no eager socket (in JS it would
 * cost more than the rest of its work). So its window must fit the kernel's buffers, and those of a Unix socket hold
 * some 200 KiB. Its link is short; twice the default saves half of the wake-ups.
 */
export const frontendWindowBytes = 128 * 1024;

/** Options that both ends of every tunnel channel share. */
export const tunnelChannelOptions: ChannelOptions = {
  'grpc.enable_channelz': 0,
  'grpc.max_receive_message_length': 4 * 1024 * 1024,
};
