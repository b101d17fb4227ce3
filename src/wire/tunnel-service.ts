import { isIP } from 'node:net';
import { checkServerIdentity } from 'node:tls';
import {
  type ChannelCredentials,
  type ChannelOptions,
  Client,
  type ClientDuplexStream,
  connectivityState,
  credentials,
  type Metadata,
  type MethodDefinition,
  type ServerDuplexStream,
  type ServiceDefinition,
  type VerifyOptions,
} from '@grpc/grpc-js';
import { splitHostPort } from '../core/address.js';
import type { Packet } from '../core/packet.js';
import { decodePacket } from './codec.js';
import { encodeOutgoing, type Outgoing } from './packet-batch.js';
import { agentService, proxyService } from './proto.js';
import { type ClientTls, checkTlsFiles } from './tls.js';

type TunnelMethod = MethodDefinition<Outgoing, Outgoing>;

/** grpc-js asks a serialised message for its length and for `copy` alone; see OutgoingMessage. */
const serialize = (outgoing: Outgoing): Buffer => encodeOutgoing(outgoing) as Buffer;

function withCodec(path: string, originalName: string): TunnelMethod {
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

/** `/ProxyService/Proxy`: frontends. The path is the proto file's, the codec ours. */
export function proxyServiceDefinition(): ServiceDefinition<{ Proxy: (call: TunnelCall) => void }> {
  return { Proxy: withCodec(proxyService().service.Proxy.path, 'proxy') };
}

/** `/AgentService/Connect`: agents. */
export function agentServiceDefinition(): ServiceDefinition<{ Connect: (call: TunnelCall) => void }> {
  return { Connect: withCodec(agentService().service.Connect.path, 'connect') };
}

export type TunnelCall = ServerDuplexStream<Packet, Outgoing>;
/** The end of a frontend or an agent. */
export type TunnelClientCall = ClientDuplexStream<Outgoing, Packet>;
export type TunnelRpc = 'Proxy' | 'Connect';

/**
 * The receive window of the downward direction, agent → server → frontend: the default would cap it at 64 KiB per round
 * trip. The upward direction keeps the default on purpose. node:http2 does not read while a write waits for the
 * kernel, so two ends that both may have more in flight than the kernel buffers hold can stop each other for good;
 * with one direction small enough to fit always, the other goes on.
 */
export const windowBytes = 4 * 1024 * 1024;

/** Options that both ends of every tunnel channel share. */
export const tunnelChannelOptions: ChannelOptions = {
  'grpc.enable_channelz': 0,
  'grpc.max_receive_message_length': 4 * 1024 * 1024,
};

export interface TunnelClientOptions {
  /** `host:port` or `unix:///path`. */
  readonly address: string;
  /** Absent: no TLS, for Unix sockets. */
  readonly tls?: ClientTls;
  readonly keepaliveTimeMs?: number;
  /** This end receives the bulk: a frontend does, an agent does not. */
  readonly wideReceive?: boolean;
  /** The name that the server's certificate must bear, when it is not the host of the address. */
  readonly serverName?: string;
}

/** One HTTP/2 connection towards a proxy-server, from a frontend or an agent. */
export class TunnelChannel {
  private readonly client: Client;

  /** Throws CERT_INVALID. */
  constructor(options: TunnelClientOptions) {
    if (options.tls !== undefined) checkTlsFiles(options.tls, options.address);
    this.client = new Client(options.address, channelCredentials(options), clientOptions(options));
  }

  open(rpc: TunnelRpc, metadata: Metadata): TunnelClientCall {
    const definition = rpc === 'Proxy' ? proxyServiceDefinition().Proxy : agentServiceDefinition().Connect;
    return this.client.makeBidiStreamRequest(definition.path, serialize, decodePacket, metadata, {});
  }

  /** True when the last attempt to connect failed: a call would fail at once, or wait for a back-off. */
  get broken(): boolean {
    const state = this.client.getChannel().getConnectivityState(false);
    return state === connectivityState.TRANSIENT_FAILURE || state === connectivityState.SHUTDOWN;
  }

  close(): void {
    this.client.close();
  }
}

/**
 * A server that is named by its IP address is checked against it. TLS has no server name for those, but grpc-js would
 * send one; so another name is sent, and the check is ours.
 */
function serverCheck({ address, serverName }: TunnelClientOptions): { sent?: string; verify: VerifyOptions } {
  if (serverName !== undefined) return { sent: serverName, verify: {} };
  const host = splitHostPort(address)?.host ?? '';
  if (isIP(host) === 0) return { verify: {} };
  return {
    sent: 'proxy-server',
    verify: { checkServerIdentity: (_sent, cert) => checkServerIdentity(host, cert) },
  };
}

function channelCredentials(options: TunnelClientOptions): ChannelCredentials {
  const { tls } = options;
  if (tls === undefined) return credentials.createInsecure();
  const { verify } = serverCheck(options);
  const ca = Buffer.from(tls.ca);
  if (tls.cert === undefined) return credentials.createSsl(ca, null, null, verify);
  return credentials.createSsl(ca, Buffer.from(tls.key), Buffer.from(tls.cert), verify);
}

function clientOptions(options: TunnelClientOptions): ChannelOptions {
  const { keepaliveTimeMs, wideReceive = false } = options;
  const { sent } = serverCheck(options);
  return {
    ...tunnelChannelOptions,
    // Shared subchannels would share the back-off of a server that was down a moment ago.
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_http_proxy': 0,
    'grpc.enable_retries': 0,
    // The retry buffer is re-sliced for every message: quadratic for many small ones.
    'grpc.per_rpc_retry_buffer_size': 0,
    ...(wideReceive ? { 'grpc-node.flow_control_window': windowBytes } : {}),
    ...(keepaliveTimeMs === undefined ? {} : { 'grpc.keepalive_time_ms': keepaliveTimeMs }),
    ...(sent === undefined ? {} : { 'grpc.ssl_target_name_override': sent }),
  };
}
