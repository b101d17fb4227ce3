import type { IncomingHttpHeaders } from 'node:http2';
import { TunnelMachine } from '../../core/client/machine.js';
import type { TunnelUser } from '../../core/client/state.js';
import { serverSilentText } from '../../core/dial-texts.js';
import { type ErrorCode, TunnelError } from '../../core/errors.js';
import { dialId, type Packet } from '../../core/packet.js';
import { packetEvent } from '../../core/packet-event.js';
import { directPath, type OpenPath, type PacketPath } from '../../core/packet-path.js';
import type { Random } from '../../core/random.js';
import { creditsMetadata, knowsCredits } from '../carrier/call-headers.js';
import type { CarriedStream } from '../carrier/carried-stream.js';
import type { StreamEnd } from '../carrier/packet-stream.js';
import { type OpenSocket, TunnelConnection } from '../carrier/tunnel-connection.js';
import { currentTls, type Renewable, type TlsFiles } from '../net/tls.js';
import { unreachableCode } from '../net/transport-text.js';
import {
  DialReport,
  type DialTask,
  defaultDialTimeoutMs,
  onAbort,
  ProxyClient,
  type ProxyClientSettings,
} from './proxy-client.js';
import { TunnelDuplex } from './tunnel-duplex.js';

export interface TunnelClientSettings extends ProxyClientSettings {
  /** Absent for Unix sockets. */
  readonly tls?: TlsFiles | Renewable<TlsFiles>;
  readonly random: Random;
  /** False makes no events of kind `packet`, whose making costs time for each; default true. */
  readonly packetEvents?: boolean;
  /** Milliseconds to wait for the answer to a dial; 30 s as kube-apiserver. */
  readonly dialTimeoutMs?: number;
  /**
   * How long a full connection may stay unread before it is closed, ms; kube-apiserver's client has 10 s. Default 0, never:
   * a user may read a log slowly, and the server cuts connections that hold up others.
   */
  readonly readTimeoutMs?: number;
  /** Opens an HTTP/2 connection for each dial, as kube-apiserver does. Default false: all dials share one. */
  readonly singleUse?: boolean;
  /** Offers flow control for each connection to the server and its agents. Default false. */
  readonly flowControl?: boolean;
  /** Begins to connect to the address. Default `net.connect`. */
  readonly openSocket?: OpenSocket;
  /** What packets pass on their way. Default: nothing. */
  readonly openPath?: OpenPath;
}

const closeTimeoutMs = 10_000;

/** A dial or connection as the client believes it. */
export interface TunnelBelief {
  readonly server: string;
  readonly address: string;
  readonly dialId: string;
  readonly connectId?: string;
  readonly request?: string;
  readonly state: 'dialing' | 'open' | 'closing';
}

/** The frontend end of the tunnel: each `dial` is one Proxy stream, whose connection is handed out as a Duplex. */
export class TunnelClient extends ProxyClient<TunnelClientSettings, TunnelCallDriver> {
  protected readonly cancelledText = 'dial timeout, context';
  private connection: TunnelConnection | undefined;
  /** The certificates of the connection. After a renewal a new one is needed. */
  private connectionTls: TlsFiles | undefined;

  /** Where the proxy-server is: `host:port` or `unix:///path`. */
  get address(): string {
    return this.settings.address;
  }

  /** The dials and connections that it holds now. */
  beliefs(): readonly TunnelBelief[] {
    return [...this.dials].flatMap((dial) => dial.belief() ?? []);
  }

  protected opener(): (task: DialTask<TunnelClientSettings>) => TunnelCallDriver {
    if (this.settings.singleUse !== true) {
      const shared = this.readyConnection();
      return (task) => new TunnelCallDriver(task, shared);
    }
    const own = this.newConnection();
    return (task) => {
      const ended = (): void => {
        own.cut();
        task.ended();
      };
      return new TunnelCallDriver({ ...task, ended }, own);
    };
  }

  /** Ends every connection. Later dials reject with LAB_STOPPED. Never rejects. */
  async close(): Promise<void> {
    this.closed = true;
    for (const call of [...this.dials]) call.abort();
    this.connection?.cut();
    this.connection = undefined;
  }

  /** The shared HTTP/2 connection. A broken one is replaced at once. */
  private readyConnection(): TunnelConnection {
    const tls = this.tls();
    if (this.connection?.broken === false && tls === this.connectionTls) return this.connection;
    // Calls on the old one continue.
    this.connection?.close();
    this.connectionTls = tls;
    this.connection = this.newConnection();
    return this.connection;
  }

  private newConnection(): TunnelConnection {
    const tls = this.tls();
    const { address, openSocket } = this.settings;
    return new TunnelConnection({ address, openSocket, ...(tls === undefined ? {} : { tls }) });
  }

  private tls(): TlsFiles | undefined {
    const { tls } = this.settings;
    return tls === undefined ? undefined : currentTls(tls);
  }
}

class TunnelCallDriver implements TunnelUser {
  private readonly options: DialTask<TunnelClientSettings>;
  private readonly connection: TunnelConnection;
  private readonly stream: CarriedStream;
  private readonly path: PacketPath;
  private readonly machine: TunnelMachine;
  private readonly duplex: TunnelDuplex;
  private readonly id: bigint;
  private readonly journal: DialReport;
  private reachedServer = false;
  private stopListening: () => void = () => undefined;

  constructor(options: DialTask<TunnelClientSettings>, connection: TunnelConnection) {
    this.options = options;
    this.connection = connection;
    const { settings, address } = options;
    this.id = settings.random.int63();
    this.journal = new DialReport(options);
    const { flowControl = false } = settings;
    const accepted = (headers: IncomingHttpHeaders): void => {
      this.reachedServer = true;
      if (flowControl && knowsCredits(headers)) this.machine.agreeOnCredits();
    };
    const metadata = flowControl ? creditsMetadata : {};
    this.stream = connection.open('Proxy', metadata, { accepted }).packets;
    const { openPath = directPath } = settings;
    this.path = openPath(this.stream, (packet) => this.machine.handlePacket(packet));
    this.machine = new TunnelMachine({
      clock: settings.clock,
      server: this.path.port,
      user: this,
      dialId: dialId(this.id),
      address,
      dialTimeoutMs: settings.dialTimeoutMs ?? defaultDialTimeoutMs,
      closeTimeoutMs,
      readTimeoutMs: settings.readTimeoutMs ?? 0,
      flowControl,
    });
    this.duplex = new TunnelDuplex({
      write: (bytes) => this.machine.write(bytes),
      took: (bytes) => this.machine.took(bytes),
      close: () => this.machine.close(),
    });
    this.stream.start({
      packet: this.path.received,
      ended: (end) => this.streamEnded(end),
    });
  }

  start(signal: AbortSignal | undefined): void {
    this.stopListening = onAbort(signal, () => this.machine.cancel());
    this.report('dial.started');
    this.machine.dial();
  }

  abort(): void {
    this.duplex.destroy();
    this.machine.close();
    this.stream.cancel();
  }

  /** Undefined when it is over, and only its stream is left. */
  belief(): TunnelBelief | undefined {
    const { state } = this.machine;
    if (state === 'ended') return undefined;
    const { address, request, settings } = this.options;
    const named = request === undefined ? {} : { request };
    return { server: settings.serverName, address, ...this.ids(), ...named, state };
  }

  established(): void {
    this.stopListening();
    this.report('dial.established');
    this.options.resolve(this.duplex);
  }

  failed(found: ErrorCode, said: string): void {
    this.stopListening();
    // The time went by before the HTTP/2 connection was there.
    const silent = found === 'DIAL_TIMEOUT' && !this.connection.ready;
    const [code, text] = silent ? (['SERVER_UNREACHABLE', serverSilentText] as const) : [found, said];
    this.report('dial.failed', { code, error: text });
    // A server that was too slow to answer may also be too slow to notice the end of the stream.
    if (found === 'DIAL_TIMEOUT' || found === 'DIAL_CANCELLED') this.stream.cancel();
    else this.path.port.finish();
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
    if (error === '') this.path.port.finish();
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
    this.path.closed();
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
    kind: Parameters<DialReport['tell']>[0],
    more: { code?: ErrorCode; error?: string } = {},
  ): void {
    this.journal.tell(kind, { ...this.ids(), ...more });
  }
}
