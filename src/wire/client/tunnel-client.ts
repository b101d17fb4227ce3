import type { Duplex } from 'node:stream';
import { Metadata } from '@grpc/grpc-js';
import { joinHostPort } from '../../core/address.js';
import { TunnelMachine } from '../../core/client/machine.js';
import type { TunnelUser } from '../../core/client/state.js';
import type { Clock } from '../../core/clock.js';
import { type ErrorCode, TunnelError } from '../../core/errors.js';
import type { EventSink } from '../../core/events.js';
import { dialId, type Packet } from '../../core/packet.js';
import { packetEvent } from '../../core/packet-event.js';
import type { Random } from '../../core/random.js';
import { GrpcPacketStream } from '../grpc/grpc-packet-stream.js';
import type { StreamEnd } from '../grpc/packet-stream.js';
import { TunnelChannel } from '../grpc/tunnel-channel.js';
import { currentTls, type Renewable, type TlsFiles } from '../net/tls.js';
import { unreachableCode } from '../net/transport-text.js';
import type { Dialer, DialOptions } from './dialer.js';
import { TunnelDuplex } from './tunnel-duplex.js';

/** Settings of a `TunnelClient`. */
export interface TunnelClientSettings {
  /** The proxy-server's frontend: `host:port` or `unix:///path`. */
  readonly address: string;
  /** Absent for Unix sockets. */
  readonly tls?: TlsFiles | Renewable<TlsFiles>;
  readonly clock: Clock;
  readonly random: Random;
  readonly emit: EventSink;
  /** False makes no events of kind `packet`, which saves time for each packet. Default true. */
  readonly packetEvents?: boolean;
  /** The name of this client in events: `client/test`, `apiserver/main`. */
  readonly name: string;
  /** The name of the server in events: `server/server-1`. */
  readonly serverName: string;
  /** How long to wait for the answer to a dial, ms. Default 30 s, as kube-apiserver. */
  readonly dialTimeoutMs?: number;
  /**
   * How long a full connection may stay unread before it is closed, ms; kube-apiserver's client has 10 s. Default 0, never:
   * a user may read a log slowly, and the server cuts connections that hold up others.
   */
  readonly readTimeoutMs?: number;
}

const defaultDialTimeoutMs = 30_000;
const closeTimeoutMs = 10_000;

/** The client of the tunnel. Each `dial` opens one Proxy stream at the proxy-server and resolves with a Duplex. */
export class TunnelClient implements Dialer {
  private readonly settings: TunnelClientSettings;
  private readonly calls = new Set<TunnelCallDriver>();
  private channel: TunnelChannel | undefined;
  /** The certificates of the channel. After a renewal a new channel is needed. */
  private channelTls: TlsFiles | undefined;
  private closed = false;

  constructor(settings: TunnelClientSettings) {
    this.settings = settings;
  }

  /** Where the proxy-server is: `host:port` or `unix:///path`. */
  get address(): string {
    return this.settings.address;
  }

  /** How many dials and connections have not ended yet. */
  get openConnections(): number {
    return this.calls.size;
  }

  /**
   * Opens a connection to `host:port`, as an agent sees it. Without options the dial cannot be cancelled and carries no
   * request. It fails after 30 s.
   *
   * Rejects with a TunnelError: NO_AGENT, DIAL_FAILED (the agent could not open the endpoint), DIAL_TIMEOUT,
   * DIAL_CANCELLED (`signal` was aborted), SERVER_UNREACHABLE, TLS_REJECTED, TUNNEL_CLOSED (the tunnel was lost before the
   * answer), PROTOCOL_VIOLATION or LAB_STOPPED (this client is closed).
   */
  async dial(host: string, port: number, options: DialOptions = {}): Promise<Duplex> {
    const where = this.settings.name;
    if (this.closed) throw new TunnelError('LAB_STOPPED', 'the tunnel client is closed', { where });
    if (options.signal?.aborted) throw new TunnelError('DIAL_CANCELLED', 'dial timeout, context', { where });
    const channel = this.readyChannel();
    return new Promise((resolve, reject) => {
      const call = new TunnelCallDriver({
        settings: this.settings,
        channel,
        address: joinHostPort(host, port),
        request: options.request,
        resolve,
        reject,
        ended: () => void this.calls.delete(call),
      });
      this.calls.add(call);
      call.start(options.signal);
    });
  }

  /** Ends every connection. Later dials reject with LAB_STOPPED. Never rejects. */
  async close(): Promise<void> {
    this.closed = true;
    for (const call of [...this.calls]) call.abort();
    this.channel?.cut();
    this.channel = undefined;
  }

  /** All dials share one HTTP/2 connection. A broken one is replaced at once. */
  private readyChannel(): TunnelChannel {
    const { address } = this.settings;
    const tls = this.settings.tls === undefined ? undefined : currentTls(this.settings.tls);
    if (this.channel?.broken === false && tls === this.channelTls) return this.channel;
    // Calls on the old channel continue.
    this.channel?.close();
    this.channelTls = tls;
    this.channel = new TunnelChannel({ address, wideReceive: true, ...(tls === undefined ? {} : { tls }) });
    return this.channel;
  }
}

interface CallOptions {
  readonly settings: TunnelClientSettings;
  readonly channel: TunnelChannel;
  readonly address: string;
  readonly request: string | undefined;
  readonly resolve: (duplex: Duplex) => void;
  readonly reject: (error: TunnelError) => void;
  /** Called when the stream and its connection have ended. */
  readonly ended: () => void;
}

/** Drives the machine of one Proxy stream. */
class TunnelCallDriver implements TunnelUser {
  private readonly options: CallOptions;
  private readonly stream: GrpcPacketStream;
  private readonly machine: TunnelMachine;
  private readonly duplex: TunnelDuplex;
  private readonly id: bigint;
  private readonly startedAt: number;
  private reachedServer = false;
  private stopListening: () => void = () => undefined;

  constructor(options: CallOptions) {
    this.options = options;
    const { settings, channel, address } = options;
    this.id = settings.random.int63();
    this.startedAt = settings.clock.now();
    const call = channel.open('Proxy', new Metadata());
    call.on('metadata', () => {
      this.reachedServer = true;
    });
    this.stream = new GrpcPacketStream(call, {
      packet: (packet) => this.machine.handlePacket(packet),
      ended: (end) => this.streamEnded(end),
    });
    this.machine = new TunnelMachine({
      clock: settings.clock,
      server: this.stream,
      user: this,
      dialId: dialId(this.id),
      address,
      dialTimeoutMs: settings.dialTimeoutMs ?? defaultDialTimeoutMs,
      closeTimeoutMs,
      readTimeoutMs: settings.readTimeoutMs ?? 0,
    });
    this.duplex = new TunnelDuplex({
      write: (bytes) => this.machine.write(bytes),
      close: () => this.machine.close(),
    });
  }

  start(signal: AbortSignal | undefined): void {
    const cancel = (): void => this.machine.cancel();
    signal?.addEventListener('abort', cancel, { once: true });
    this.stopListening = () => signal?.removeEventListener('abort', cancel);
    this.report('dial.started');
    this.machine.dial();
  }

  abort(): void {
    this.duplex.destroy();
    this.machine.close();
    this.stream.cancel();
  }

  established(): void {
    this.stopListening();
    this.report('dial.established');
    this.options.resolve(this.duplex);
  }

  failed(code: ErrorCode, text: string): void {
    this.stopListening();
    this.report('dial.failed', { code, error: text });
    // A server that was too slow to answer may also be too slow to notice the end of the stream.
    if (code === 'DIAL_TIMEOUT' || code === 'DIAL_CANCELLED') this.stream.cancel();
    else this.stream.finish();
    this.options.reject(new TunnelError(code, text, { where: this.whereFailed(code) }));
  }

  data(bytes: Uint8Array): ReturnType<TunnelUser['data']> {
    return this.duplex.receive(bytes);
  }

  closed(error: string): void {
    this.report('connection.closed', error === '' ? {} : { error });
    this.duplex.finish(
      error,
      `tunnel to ${this.options.address} through ${this.options.settings.serverName}`,
    );
    if (error === '') this.stream.finish();
    else this.stream.cancel();
  }

  packet(direction: 'in' | 'out', packet: Packet): void {
    const { settings, request } = this.options;
    if (settings.packetEvents === false) return;
    const event = packetEvent(settings.name, settings.serverName, direction, packet);
    if (event !== undefined)
      settings.emit({ ...event, ...this.ids(), ...(request === undefined ? {} : { request }) });
  }

  private streamEnded({ text }: StreamEnd): void {
    const secure = this.options.settings.tls !== undefined;
    const code = this.reachedServer ? 'TUNNEL_CLOSED' : unreachableCode(text, secure);
    this.machine.streamLost(code, text);
    this.options.ended();
  }

  private whereFailed(code: ErrorCode): string {
    const { settings, address } = this.options;
    if (code === 'DIAL_FAILED') return `the agent's dial to ${address}`;
    if (code === 'SERVER_UNREACHABLE' || code === 'TLS_REJECTED')
      return `${settings.name} → ${settings.address}`;
    return `${settings.serverName}, dialling ${address}`;
  }

  private ids(): { dialId: string; connectId?: string } {
    const connection = this.machine.connectId;
    return {
      dialId: this.id.toString(),
      ...(connection === undefined ? {} : { connectId: connection.toString() }),
    };
  }

  private report(
    kind: 'dial.started' | 'dial.established' | 'dial.failed' | 'connection.closed',
    more: { code?: ErrorCode; error?: string } = {},
  ): void {
    const { settings, request, address } = this.options;
    const durationMs = settings.clock.now() - this.startedAt;
    const known = { ...this.ids(), ...(request === undefined ? {} : { request }), ...more };
    settings.emit({ kind, node: settings.name, peer: settings.serverName, address, durationMs, ...known });
  }
}
