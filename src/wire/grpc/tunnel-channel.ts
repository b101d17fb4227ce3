import { isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { checkServerIdentity } from 'node:tls';
import {
  type ChannelCredentials,
  type ChannelOptions,
  Client,
  connectivityState,
  credentials,
  type Metadata,
  type VerifyOptions,
} from '@grpc/grpc-js';
import { splitHostPort } from '../../core/address.js';
import { TunnelError } from '../../core/errors.js';
import type { Congestible } from '../../core/port.js';
import { decodePacket } from '../codec/codec.js';
import type { HttpProxy } from '../net/proxy-environment.js';
import { type ClientTls, checkTlsFiles } from '../net/tls.js';
import { afterTurns } from './after-turns.js';
import { carriedCredentials } from './carried-credentials.js';
import { connectThrough, type ThroughProxy } from './connect-through.js';
import { EagerSocket } from './eager-socket.js';
import { windowBytes } from './growing-window.js';
import { offerProtocols } from './grpc-internals.js';
import {
  agentServiceDefinition,
  proxyServiceDefinition,
  serialize,
  type TunnelClientCall,
  type TunnelRpc,
  tunnelChannelOptions,
} from './tunnel-service.js';

export interface TunnelClientOptions {
  /** `host:port` or `unix:///path`. */
  readonly address: string;
  /** Absent for Unix sockets, which have no TLS. */
  readonly tls?: ClientTls;
  readonly keepaliveTimeMs?: number;
  /** Protocols that TLS offers by ALPN before h2. Default: only h2. */
  readonly alpnProtocols?: readonly string[];
  /** This end has a wide receive window, and the server's may be wide, too, because this end never stops reading. */
  readonly eager?: boolean;
  /** This end has a wide receive window. The server's must be small. */
  readonly wideReceive?: boolean;
  /** The name that the server's certificate must have. Default: the host of the address. */
  readonly serverName?: string;
  /** An HTTP proxy on the way. Only with TLS. Default: none. */
  readonly proxy?: HttpProxy | undefined;
}

const noWayThrough = 'this version of grpc-js does not let a connection go through a proxy';

/** Turns of the event loop until the last frames of a session reach the kernel, with a margin. */
const turnsOfFarewell = 8;

/** One HTTP/2 connection to a proxy-server, from a frontend or an agent. */
export class TunnelChannel {
  /** True when this end never stops reading. */
  readonly eager: boolean;
  private readonly client: Client;
  private readonly sockets = new Set<Socket>();
  private eagerSocket: EagerSocket | undefined;
  private isCut = false;
  private readonly through: ThroughProxy | undefined;

  /** Throws CERT_INVALID. */
  constructor(options: TunnelClientOptions) {
    const { address, proxy } = options;
    if (options.tls !== undefined) checkTlsFiles(options.tls, options.address);
    const plain = channelCredentials(options);
    const carried = carriedCredentials(
      plain,
      (socket) => this.carry(socket),
      () => this.isCut,
    );
    this.eager = options.eager === true && carried !== undefined;
    this.through = proxy === undefined ? undefined : { target: address, authorization: proxy.authorization };
    // Never silently past the proxy.
    if (proxy !== undefined && carried === undefined) throw new TunnelError('INTERNAL', noWayThrough);
    this.client = new Client(proxy?.address ?? address, carried ?? plain, clientOptions(options, this.eager));
  }

  open(rpc: TunnelRpc, metadata: Metadata): TunnelClientCall {
    const definition = rpc === 'Proxy' ? proxyServiceDefinition().Proxy : agentServiceDefinition().Connect;
    return this.client.makeBidiStreamRequest(definition.path, serialize, decodePacket, metadata, {});
  }

  /** The bytes that wait for the kernel below HTTP/2, which does not see them when this end is eager. */
  get backlog(): Congestible | undefined {
    return this.eagerSocket;
  }

  /** True when the last attempt to connect failed: a call would fail at once, or wait for a pause. */
  get broken(): boolean {
    const state = this.client.getChannel().getConnectivityState(false);
    return state === connectivityState.TRANSIENT_FAILURE || state === connectivityState.SHUTDOWN;
  }

  /** True while the connection is open and accepts new calls. False as soon as the server has announced its end. */
  get ready(): boolean {
    return this.client.getChannel().getConnectivityState(false) === connectivityState.READY;
  }

  /** Opens no new calls and no new connections. Open calls continue to their end. */
  close(): void {
    this.client.close();
  }

  /** Closes, and ends the connection after its last frames. HTTP/2 alone would wait for an unreachable peer. */
  cut(): void {
    this.close();
    this.isCut = true;
    afterTurns(turnsOfFarewell, () => {
      for (const socket of this.sockets) socket.destroy();
    });
  }

  private carry(socket: Socket): Duplex | Promise<Duplex> {
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
    // The connection opened while the channel was being closed.
    if (this.isCut) socket.destroy();
    if (this.through === undefined) return this.carrier(socket);
    return connectThrough(socket, this.through).then(() => this.carrier(socket));
  }

  private carrier(socket: Socket): Duplex {
    if (!this.eager) return socket;
    this.eagerSocket = new EagerSocket(socket);
    return this.eagerSocket;
  }
}

/**
 * When a server has an IP address as its name, its certificate is checked against that. TLS has no server name for
 * addresses, but grpc-js would send one. So another name is sent, and the check is done here.
 */
function serverCheck({ address, serverName, proxy }: TunnelClientOptions): {
  sent?: string;
  verify: VerifyOptions;
} {
  if (serverName !== undefined) return { sent: serverName, verify: {} };
  const host = splitHostPort(address)?.host ?? '';
  // Behind a proxy grpc-js would send the proxy's name.
  if (isIP(host) === 0) return proxy === undefined ? { verify: {} } : { sent: host, verify: {} };
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
  const own = tls.cert === undefined ? [null, null] : [Buffer.from(tls.key), Buffer.from(tls.cert)];
  const made = credentials.createSsl(ca, own[0], own[1], verify);
  const { alpnProtocols = [] } = options;
  if (alpnProtocols.length > 0) offerProtocols(made, withH2(alpnProtocols));
  return made;
}

/** As in grpc-go, h2 comes last unless it is in the list. */
function withH2(protocols: readonly string[]): readonly string[] {
  return protocols.includes('h2') ? protocols : [...protocols, 'h2'];
}

function clientOptions(options: TunnelClientOptions, eager: boolean): ChannelOptions {
  const { address, keepaliveTimeMs, proxy, wideReceive = false } = options;
  const { sent } = serverCheck(options);
  return {
    ...tunnelChannelOptions,
    // Shared subchannels would share the pause after a failed attempt.
    'grpc.use_local_subchannel_pool': 1,
    // grpc-js reads other variables than Go, and tells nothing of what a proxy answers.
    'grpc.enable_http_proxy': 0,
    'grpc.enable_retries': 0,
    // A DNS look-up of a TXT record would keep the process alive; networks without internet access never answer it.
    'grpc.service_config_disable_resolution': 1,
    // The retry buffer is copied for every message, which is slow for many small ones.
    'grpc.per_rpc_retry_buffer_size': 0,
    ...(wideReceive || eager ? { 'grpc-node.flow_control_window': windowBytes } : {}),
    ...(keepaliveTimeMs === undefined ? {} : { 'grpc.keepalive_time_ms': keepaliveTimeMs }),
    ...(sent === undefined ? {} : { 'grpc.ssl_target_name_override': sent }),
    ...(proxy === undefined ? {} : { 'grpc.default_authority': address }),
  };
}
