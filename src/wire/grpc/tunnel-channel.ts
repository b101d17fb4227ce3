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
import type { Congestible } from '../../core/port.js';
import { decodePacket } from '../codec/codec.js';
import { type ClientTls, checkTlsFiles } from '../net/tls.js';
import { afterTurns } from './after-turns.js';
import { carriedCredentials } from './carried-credentials.js';
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
  /** Absent: no TLS, for Unix sockets. */
  readonly tls?: ClientTls;
  readonly keepaliveTimeMs?: number;
  /** What TLS offers by ALPN before h2; default nothing. */
  readonly alpnProtocols?: readonly string[];
  /** This end receives with a wide window, and the server's may be wide, too: it never stops to read. */
  readonly eager?: boolean;
  /** This end receives with a wide window; the server's must be small. */
  readonly wideReceive?: boolean;
  /** The name that the server's certificate must bear, when it is not the host of the address. */
  readonly serverName?: string;
}

/** Turns of the event loop in which the last frames of a session reach the kernel, with some to spare. */
const turnsOfFarewell = 8;

/** One HTTP/2 connection towards a proxy-server, from a frontend or an agent. */
export class TunnelChannel {
  /** True when this end never stops to read. */
  readonly eager: boolean;
  private readonly client: Client;
  private readonly sockets = new Set<Socket>();
  private eagerSocket: EagerSocket | undefined;
  private isCut = false;

  /** Throws CERT_INVALID. */
  constructor(options: TunnelClientOptions) {
    if (options.tls !== undefined) checkTlsFiles(options.tls, options.address);
    const plain = channelCredentials(options);
    const carried = carriedCredentials(plain, (socket) => this.carry(socket));
    this.eager = options.eager === true && carried !== undefined;
    this.client = new Client(options.address, carried ?? plain, clientOptions(options, this.eager));
  }

  open(rpc: TunnelRpc, metadata: Metadata): TunnelClientCall {
    const definition = rpc === 'Proxy' ? proxyServiceDefinition().Proxy : agentServiceDefinition().Connect;
    return this.client.makeBidiStreamRequest(definition.path, serialize, decodePacket, metadata, {});
  }

  /** What waits for the kernel below HTTP/2, which does not see it where this end is eager. */
  get backlog(): Congestible | undefined {
    return this.eagerSocket;
  }

  /** True when the last attempt to connect failed: a call would fail at once, or wait for a back-off. */
  get broken(): boolean {
    const state = this.client.getChannel().getConnectivityState(false);
    return state === connectivityState.TRANSIENT_FAILURE || state === connectivityState.SHUTDOWN;
  }

  /** True while the connection is up and takes new calls: false as soon as the server has said that it goes. */
  get ready(): boolean {
    return this.client.getChannel().getConnectivityState(false) === connectivityState.READY;
  }

  /** Makes no new calls and no new connections; what runs goes on to its end. */
  close(): void {
    this.client.close();
  }

  /**
   * Ends the connection as well, once its last frames are on the way. HTTP/2 would wait until the other end has closed
   * its half, which one that is stopped, or cut off, never does.
   */
  cut(): void {
    this.close();
    this.isCut = true;
    afterTurns(turnsOfFarewell, () => {
      for (const socket of this.sockets) socket.destroy();
    });
  }

  private carry(socket: Socket): Socket | Duplex {
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
    // It came up while the channel was given up.
    if (this.isCut) socket.destroy();
    if (!this.eager) return socket;
    this.eagerSocket = new EagerSocket(socket);
    return this.eagerSocket;
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
  const own = tls.cert === undefined ? [null, null] : [Buffer.from(tls.key), Buffer.from(tls.cert)];
  const made = credentials.createSsl(ca, own[0], own[1], verify);
  const { alpnProtocols = [] } = options;
  if (alpnProtocols.length > 0) offerProtocols(made, withH2(alpnProtocols));
  return made;
}

/** As grpc-go: h2 comes last, unless it is named. */
function withH2(protocols: readonly string[]): readonly string[] {
  return protocols.includes('h2') ? protocols : [...protocols, 'h2'];
}

function clientOptions(options: TunnelClientOptions, eager: boolean): ChannelOptions {
  const { keepaliveTimeMs, wideReceive = false } = options;
  const { sent } = serverCheck(options);
  return {
    ...tunnelChannelOptions,
    // Shared subchannels would share the back-off of a server that was down a moment ago.
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_http_proxy': 0,
    'grpc.enable_retries': 0,
    // A look-up of a TXT record, which networks without a way out never answer, would hold up the end of the process.
    'grpc.service_config_disable_resolution': 1,
    // The retry buffer is re-sliced for every message: quadratic for many small ones.
    'grpc.per_rpc_retry_buffer_size': 0,
    ...(wideReceive || eager ? { 'grpc-node.flow_control_window': windowBytes } : {}),
    ...(keepaliveTimeMs === undefined ? {} : { 'grpc.keepalive_time_ms': keepaliveTimeMs }),
    ...(sent === undefined ? {} : { 'grpc.ssl_target_name_override': sent }),
  };
}
