import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { checkServerIdentity } from 'node:tls';
import { Channel, type ChannelOptions, connectivityState, credentials } from '@grpc/grpc-js';
import type { Clock } from '../../core/clock.js';
import { TunnelError } from '../../core/errors.js';
import type { Dialer, DialOptions } from '../../wire/client/dialer.js';
import { checkTlsFiles, type TlsFiles } from '../../wire/net/tls.js';
import { type DialBridge, openDialBridge } from './dial-bridge.js';

export interface DialedTarget {
  readonly dialer: Dialer;
  readonly host: string;
  readonly port: number;
  /** Certificates for mutual TLS with the server, through the dialler's stream. */
  readonly tls: TlsFiles;
  /** The name that the server's certificate must have. Default `host`. */
  readonly serverName?: string;
  readonly clock: Clock;
  /** How long the TLS handshake may take after the dial, ms. Default 10 s. */
  readonly connectTimeoutMs?: number;
}

/** A gRPC channel that reaches its server through a Dialer. */
export interface DialedChannel {
  readonly channel: Channel;
  /** True while calls can be made: the channel is connected, or connects for the first time. */
  readonly usable: boolean;
  /** Why the transport of the channel failed, if that is known. */
  readonly failure: TunnelError | undefined;
  readonly openConnections: number;
  close(): Promise<void>;
}

/** The window of the connection, which carries all calls. It must fit the queue that a tunnel gives one connection. */
const windowBytes = 1024 * 1024;

const channelOptions: ChannelOptions = {
  'grpc.enable_channelz': 0,
  // No retries, and no copies of sent messages for them.
  'grpc.enable_retries': 0,
  'grpc.per_rpc_retry_buffer_size': 0,
  'grpc.enable_http_proxy': 0,
  'grpc.service_config_disable_resolution': 1,
  // A pool for the whole process would make channels share connections and pauses.
  'grpc.use_local_subchannel_pool': 1,
  'grpc-node.flow_control_window': windowBytes,
};

const defaultConnectTimeoutMs = 10_000;

/** gRPC checks the name that it connects to, which here is the bridge's. The server's name must be checked instead. */
function channelTo(target: string, { tls, serverName, host, port }: DialedTarget): Channel {
  const name = serverName ?? host;
  const context = checkTlsFiles(tls, `kubelet client ${host}:${port}`);
  const channelCredentials = credentials.createFromSecureContext(context, {
    checkServerIdentity: (_bridge, certificate) => checkServerIdentity(name, certificate),
  });
  // The name by which the server may choose its certificate (SNI) cannot be an IP address.
  const sentName = isIP(name) === 0 ? name : 'localhost';
  return new Channel(target, channelCredentials, {
    ...channelOptions,
    'grpc.ssl_target_name_override': sentName,
  });
}

/** Calls `settled` once, when the channel is connected, has failed to, or is closed. */
function whenSettled(channel: Channel, settled: () => void): void {
  const state = channel.getConnectivityState(false);
  const pending = state === connectivityState.IDLE || state === connectivityState.CONNECTING;
  if (pending) channel.watchConnectivityState(state, Infinity, () => whenSettled(channel, settled));
  else settled();
}

/** The first connection has been dialled already. Later ones are dialled again. */
function dialAgain(target: DialedTarget, first: Duplex): () => Promise<Duplex> {
  let parked: Duplex | undefined = first;
  return async () => {
    const stream = parked ?? (await target.dialer.dial(target.host, target.port));
    parked = undefined;
    return stream;
  };
}

class BridgedChannel implements DialedChannel {
  readonly channel: Channel;
  private readonly bridge: DialBridge;
  private timeout: TunnelError | undefined;
  private closing: Promise<void> | undefined;
  private settled = false;

  constructor(target: DialedTarget, bridge: DialBridge) {
    this.bridge = bridge;
    this.channel = channelTo(bridge.target, target);
    const timeoutMs = target.connectTimeoutMs ?? defaultConnectTimeoutMs;
    const timer = target.clock.after(timeoutMs, () => this.giveUp(target, timeoutMs));
    this.channel.getConnectivityState(true);
    whenSettled(this.channel, () => {
      timer.cancel();
      this.settled = true;
    });
  }

  get usable(): boolean {
    if (this.closing !== undefined) return false;
    return !this.settled || this.channel.getConnectivityState(false) === connectivityState.READY;
  }

  get failure(): TunnelError | undefined {
    return this.timeout ?? this.bridge.lastError;
  }

  get openConnections(): number {
    return this.bridge.openConnections;
  }

  close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  private shutDown(): Promise<void> {
    this.channel.close();
    return this.bridge.close();
  }

  private giveUp({ host, port }: DialedTarget, timeoutMs: number): void {
    const text = `${host}:${port} did not finish the TLS handshake within ${timeoutMs} ms`;
    this.timeout = new TunnelError('DIAL_TIMEOUT', text, { where: `kubelet ${host}:${port}` });
    this.bridge.cut();
  }
}

/** Dials first, so that a failed dial rejects with its own error. Wrong certificates show in the first call. */
export async function openDialedChannel(
  target: DialedTarget,
  options: DialOptions = {},
): Promise<DialedChannel> {
  const first = await target.dialer.dial(target.host, target.port, options);
  first.on('error', () => undefined);
  let bridge: DialBridge | undefined;
  try {
    bridge = await openDialBridge(dialAgain(target, first));
    return new BridgedChannel(target, bridge);
  } catch (caught) {
    first.destroy();
    await bridge?.close();
    // After the bridge listens, only errors of our own certificate, key or CA are left.
    throw TunnelError.from(caught, 'CERT_INVALID', `kubelet client ${target.host}:${target.port}`);
  }
}
