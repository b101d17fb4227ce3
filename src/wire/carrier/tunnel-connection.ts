import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect as connectSocket, isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import {
  type ConnectionOptions,
  checkServerIdentity,
  connect as connectTls,
  type SecureContext,
} from 'node:tls';
import { status } from '@grpc/grpc-js';
import { joinHostPort, splitHostPort } from '../../core/address.js';
import { type Clock, createRealClock, type Timer } from '../../core/clock.js';
import type { ConnectStep } from '../../core/end-reasons.js';
import { goBrokenText } from '../../core/go-texts.js';
import type { Congestible } from '../../core/port.js';
import {
  alpnOptions,
  checkServer,
  type HandshakeFaults,
  handshakeError,
  type OddHandshake,
} from '../net/handshake-faults.js';
import type { HttpProxy } from '../net/proxy-environment.js';
import { type ClientTls, checkTlsFiles } from '../net/tls.js';
import { closedEarlyText, transportText } from '../net/transport-text.js';
import { afterTurns } from './after-turns.js';
import { AskedCall, type AskedCallOptions } from './asked-call.js';
import {
  type CallMetadata,
  type CallStatus,
  requestHeaders,
  resetName,
  type TunnelMethod,
} from './call-headers.js';
import { connectThrough } from './connect-through.js';
import { EagerSocket } from './eager-socket.js';
import { windowBytes } from './growing-window.js';
import { keepAlive, type PingStep } from './keepalive.js';

export interface TunnelConnectionOptions {
  /** `host:port` or `unix:///path`. */
  readonly address: string;
  /** Absent for Unix sockets, which have no TLS. */
  readonly tls?: ClientTls;
  /** The time of pings. Default: real time. */
  readonly clock?: Clock;
  /** Time between two pings, ms. Default: no pings. */
  readonly keepaliveTimeMs?: number;
  /** How long the server may take to answer one, ms. Default 20 s. */
  readonly keepaliveTimeoutMs?: number;
  /** Whether the answer to a ping counts as lost. Default: none does. */
  readonly isPingLost?: () => boolean;
  /** Told of each ping and its answer. */
  readonly pinged?: (ping: PingStep) => void;
  /** How long TCP, a proxy and TLS may take together, ms. Default 20 s, grpc-go's `minConnectTimeout`. Real time. */
  readonly openingTimeoutMs?: number;
  /** Protocols that TLS offers by ALPN before h2. Default: only h2. */
  readonly alpnProtocols?: readonly string[];
  /** This end never stops reading, so that both receive windows may be wide. */
  readonly eager?: boolean;
  /** The name that the server's certificate must have. Default: the host of the address. */
  readonly serverName?: string;
  /** What is wrong in its handshake. Default: nothing. */
  readonly handshakes?: HandshakeFaults | undefined;
  /** An HTTP proxy on the way. Default: none. */
  readonly proxy?: HttpProxy | undefined;
  /** Begins to connect to the address. Default `net.connect`. */
  readonly openSocket?: OpenSocket | undefined;
}

/** Begins to connect. The socket emits `connect`, or an error as the kernel's. */
export type OpenSocket = () => Socket;

/** Turns of the event loop until the last frames of a session reach the kernel, with a margin. */
const turnsOfFarewell = 8;

const lateText = 'context deadline exceeded';
const clock = createRealClock();

const unavailable = (details: string): CallStatus => ({ code: status.UNAVAILABLE, details });

/** One HTTP/2 connection to a proxy-server, from a frontend or an agent. It connects at once. When it is lost, it does not connect again. */
export class TunnelConnection {
  private readonly options: TunnelConnectionOptions;
  private readonly socket: Socket;
  private readonly secureContext: SecureContext | undefined;
  private readonly odd: OddHandshake | undefined;
  private readonly opening: Timer;
  private currentStep: ConnectStep;
  private eagerSocket: EagerSocket | undefined;
  private session: ClientHttp2Session | undefined;
  private waiting: [TunnelMethod, CallMetadata, AskedCall][] = [];
  /** Why the connection is gone, or will be. */
  private lost: CallStatus | undefined;
  private goaway = '';
  /** The server has begun HTTP/2. */
  private greeted = false;
  private closing = false;

  /** Throws CERT_INVALID. */
  constructor(options: TunnelConnectionOptions) {
    this.options = options;
    const { address, tls, proxy, openSocket, openingTimeoutMs = 20_000 } = options;
    if (tls !== undefined) {
      this.odd = options.handshakes?.next();
      this.secureContext = checkTlsFiles(this.odd === undefined ? tls : { ...tls, ...this.odd.tls }, address);
    }
    const first = proxy?.address ?? address;
    this.socket = openSocket?.() ?? connectTo(first);
    this.currentStep = isIP(splitHostPort(first)?.host ?? '127.0.0.1') === 0 ? 'lookup' : 'connect';
    this.socket.once('lookup', (error: Error | null) => {
      if (error === null) this.currentStep = 'connect';
    });
    this.socket.on('error', () => undefined);
    this.socket.setNoDelay(true);
    this.opening = clock.after(openingTimeoutMs, () => this.fail(unavailable(lateText)), true);
    this.start().catch((error: Error) => this.fail(unavailable(transportText(firstOf(error).message))));
  }

  open(method: TunnelMethod, metadata: CallMetadata, options: AskedCallOptions = {}): AskedCall {
    const call = new AskedCall(options);
    if (this.session === undefined && this.lost === undefined) this.waiting.push([method, metadata, call]);
    // Its owner begins to listen in this turn.
    else process.nextTick(() => this.carry(method, metadata, call));
    return call;
  }

  /** The bytes that wait for the kernel below HTTP/2, which does not see them when this end is eager. */
  get backlog(): Congestible | undefined {
    return this.eagerSocket;
  }

  /** What it does, or did when it was lost. */
  get step(): ConnectStep {
    return this.currentStep;
  }

  /** Its own address, `host:port`. Undefined for a Unix socket, before it is connected, and after its end. */
  get local(): string | undefined {
    const { localAddress, localPort } = this.socket;
    return localAddress === undefined ? undefined : joinHostPort(localAddress, localPort ?? 0);
  }

  /** True when no more calls can be opened: the connection failed, is closed, or its server has announced its end. */
  get broken(): boolean {
    const { closed, destroyed } = this.session ?? {};
    return this.lost !== undefined || this.closing || closed === true || destroyed === true;
  }

  /** True while the server has begun HTTP/2 and new calls can be opened. */
  get ready(): boolean {
    return this.greeted && !this.broken;
  }

  /** Opens no new calls. Open ones continue to their end. */
  close(): void {
    this.closing = true;
    this.session?.close();
  }

  /** Closes, and ends the connection after its last frames. HTTP/2 alone would wait for an unreachable peer. */
  cut(): void {
    this.close();
    afterTurns(turnsOfFarewell, () => this.socket.destroy());
  }

  private async start(): Promise<void> {
    const { options, socket, secureContext } = this;
    const { address, proxy, eager = false } = options;
    await happens(socket, 'connect');
    if (proxy !== undefined)
      await connectThrough(socket, { target: address, authorization: proxy.authorization });
    if (eager) this.eagerSocket = new EagerSocket(socket);
    const carrier = this.eagerSocket ?? socket;
    if (secureContext === undefined) return this.begin(carrier);
    this.currentStep = 'tls';
    const secured = connectTls({ ...secureOptions(options, this.odd?.alpn), secureContext, socket: carrier });
    await happens(secured, 'secureConnect').catch((error: Error) => {
      throw handshakeError(error, nameOf(options));
    });
    checkServer(secured, options.handshakes);
    this.begin(secured);
  }

  private begin(stream: Duplex): void {
    const { tls, keepaliveTimeMs: timeMs, keepaliveTimeoutMs: timeoutMs } = this.options;
    const { isPingLost: isLost, pinged } = this.options;
    this.currentStep = 'http2';
    stream.on('error', (error) => this.ends(error));
    stream.once('close', () => this.ends());
    // The calls say the server's name: not every name may stand in a URL.
    const session = connectHttp2(tls === undefined ? 'http://localhost' : 'https://localhost', {
      createConnection: () => stream,
      maxSessionMemory: Number.MAX_SAFE_INTEGER,
      settings: { enablePush: false, initialWindowSize: windowBytes },
    });
    this.session = session;
    this.opening.cancel();
    session.on('error', () => undefined);
    session.once('connect', () => session.setLocalWindowSize(windowBytes));
    session.once('remoteSettings', () => {
      this.greeted = true;
    });
    session.on('goaway', (code, _last, data?: Buffer) => {
      const said = data === undefined || data.length === 0 ? '' : JSON.stringify(String(data));
      this.goaway ||= `${resetName(code)}${said === '' ? '' : `, debug data: ${said}`}`;
    });
    session.once('close', () => this.fail(this.whyLost()));
    const silent = (): void => this.silent();
    if (timeMs !== undefined)
      keepAlive(session, { clock: this.options.clock ?? clock, timeMs, timeoutMs, silent, isLost, pinged });
    for (const [method, metadata, call] of this.waiting.splice(0)) this.carry(method, metadata, call);
    // The calls that waited continue: their first frames have to leave before the session's last one.
    if (this.closing) setImmediate(() => session.close());
  }

  private carry(method: TunnelMethod, metadata: CallMetadata, call: AskedCall): void {
    const { session } = this;
    if (call.givenUp) return;
    if (session === undefined || session.closed || session.destroyed) return call.fail(this.whyLost());
    const headers = { ...requestHeaders(method, metadata), ':authority': authorityOf(this.options) };
    const stream = session.request(headers, { endStream: false });
    call.carryOn(stream, () => (session.destroyed ? this.whyLost() : undefined));
  }

  private silent(): void {
    this.lost ??= unavailable(this.withGoaway('keepalive ping failed to receive ACK within timeout'));
    this.session?.destroy();
    this.socket.destroy();
  }

  /** The bytes below HTTP/2 have ended. Words are grpc-go's. */
  private ends(error?: Error): void {
    this.lost ??= unavailable(this.endText(error));
  }

  private endText(error?: NodeJS.ErrnoException): string {
    // A server that distrusts our certificate just closes.
    if (!this.greeted && (error === undefined || error.code === 'ECONNRESET')) return closedEarlyText;
    const reason = error === undefined ? 'EOF' : goBrokenText(error);
    return this.withGoaway(`error reading from server: ${reason}`);
  }

  private withGoaway(text: string): string {
    if (this.goaway === '') return text;
    return `closing transport due to: connection error: desc = ${JSON.stringify(text)}, received prior goaway: code: ${this.goaway}`;
  }

  private whyLost(): CallStatus {
    return this.lost ?? unavailable(this.endText());
  }

  private fail(fault: CallStatus): void {
    this.lost ??= fault;
    this.opening.cancel();
    this.socket.destroy();
    for (const [, , call] of this.waiting.splice(0)) call.fail(fault);
  }
}

function connectTo(address: string): Socket {
  const path = /^unix:(?:\/\/)?(.*)$/.exec(address)?.[1];
  if (path !== undefined) return connectSocket(path);
  const { host = address, port = 0 } = splitHostPort(address) ?? {};
  return connectSocket({ host, port });
}

/** The server's name in the calls: as in grpc-go, the name that its certificate must have, or its address. */
function authorityOf({ address, serverName }: TunnelConnectionOptions): string {
  return serverName ?? (address.startsWith('unix:') ? 'localhost' : address);
}

/** The name that the server's certificate must have. */
function nameOf({ address, serverName }: TunnelConnectionOptions): string {
  return serverName ?? splitHostPort(address)?.host ?? '';
}

/** TLS has no server name for addresses, so for those nothing is sent, and the certificate is checked here. */
function secureOptions(options: TunnelConnectionOptions, odd: OddHandshake['alpn']): ConnectionOptions {
  const { alpnProtocols = [] } = options;
  const name = nameOf(options);
  // As in grpc-go, h2 comes last unless it is in the list.
  const usual = alpnProtocols.includes('h2') ? [...alpnProtocols] : [...alpnProtocols, 'h2'];
  return {
    ...alpnOptions(odd ?? usual),
    servername: isIP(name) === 0 ? name : '',
    checkServerIdentity: (_sent, certificate) => checkServerIdentity(name, certificate),
  };
}

/** When no address of a name answers, Node tells of all, and Go of the first. */
function firstOf(error: Error): Error {
  return error instanceof AggregateError ? ((error.errors as Error[])[0] ?? error) : error;
}

/** Resolves at the event, rejects at an error or at the end before it. */
function happens(socket: Socket, event: 'connect' | 'secureConnect'): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once(event, resolve);
    socket.on('error', reject);
    socket.once('close', () => reject(new Error('EOF')));
  });
}
