import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { splitHostPort } from '../../core/address.js';
import type { Timer } from '../../core/clock.js';
import { type ErrorCode, TunnelError } from '../../core/errors.js';
import { goBrokenText, goConnectText, goLookupText } from '../../core/go-texts.js';
import { AnswerReader, type ConnectAnswer, cutShortText } from '../../core/http-connect/answer.js';
import { checkTlsFiles } from '../net/tls.js';
import { transportText, unreachableCode } from '../net/transport-text.js';
import {
  DialReport,
  type DialTask,
  defaultDialTimeoutMs,
  onAbort,
  ProxyClient,
  type ProxyClientSettings,
} from './proxy-client.js';

export interface HttpConnectTls {
  /** The CA to trust. Default: the system's CAs. */
  readonly ca?: string;
  readonly cert: string;
  readonly key: string;
}

export interface HttpConnectClientSettings extends ProxyClientSettings {
  /** Absent for Unix sockets. */
  readonly tls?: HttpConnectTls;
  /** The name that the server's certificate must have. Default: the host of the address. */
  readonly tlsServerName?: string;
  /** Milliseconds until the proxy must have answered; default 30 s. 0 means no limit, as kube-apiserver has it. */
  readonly dialTimeoutMs?: number;
}

const unixPrefix = 'unix://';

/**
 * Dials through a proxy-server that speaks HTTP CONNECT, as kube-apiserver's `HTTPConnect`: with one socket for each
 * connection, and with the same error texts. The body of an answer is not read, so that only the HTTP status of a
 * failed dial is known.
 */
export class HttpConnectClient extends ProxyClient<HttpConnectClientSettings, ConnectDial> {
  protected readonly cancelledText = 'context canceled';

  /** Throws CERT_INVALID. */
  constructor(settings: HttpConnectClientSettings) {
    super(settings);
    if (settings.tls !== undefined) checkTlsFiles(settings.tls, settings.name);
  }

  protected opener(): (task: DialTask<HttpConnectClientSettings>) => ConnectDial {
    const { address, name: where } = this.settings;
    if (!address.startsWith(unixPrefix) && splitHostPort(address) === undefined) {
      const text = `dial tcp: address ${address}: missing port in address`;
      throw new TunnelError('SERVER_UNREACHABLE', text, { where });
    }
    return (task) => new ConnectDial(task);
  }

  /** Ends every connection. Resolves when their sockets are closed. */
  async close(): Promise<void> {
    this.closed = true;
    await Promise.all([...this.dials].map((dial) => dial.abort()));
  }
}

/** One dial, and the socket that becomes its connection. */
class ConnectDial {
  private readonly options: DialTask<HttpConnectClientSettings>;
  private readonly reader = new AnswerReader();
  private readonly socket: Socket;
  private readonly journal: DialReport;
  private readonly timer: Timer | undefined;
  private readonly whenClosed: Promise<void>;
  private phase: 'connecting' | 'asking' | 'open' | 'failed' = 'connecting';
  private lastError = '';
  private stopListening = (): void => undefined;

  constructor(options: DialTask<HttpConnectClientSettings>) {
    this.options = options;
    const { clock, dialTimeoutMs = defaultDialTimeoutMs } = options.settings;
    this.journal = new DialReport(options);
    this.socket = openSocket(options.settings, () => this.ask());
    const late = (): void => this.fail('DIAL_TIMEOUT', this.readingFailed('i/o timeout'));
    if (dialTimeoutMs > 0) this.timer = clock.after(dialTimeoutMs, late);
    this.socket.on('error', (error) => this.failed(error));
    this.socket.on('readable', this.read);
    this.whenClosed = new Promise((resolve) => {
      this.socket.once('close', () => {
        this.closed();
        resolve();
      });
    });
  }

  start(signal: AbortSignal | undefined): void {
    this.stopListening = onAbort(signal, () => this.fail('DIAL_CANCELLED', 'context canceled'));
    this.journal.tell('dial.started');
  }

  abort(): Promise<void> {
    this.fail('TUNNEL_CLOSED', 'tunnel closed');
    this.socket.destroy();
    return this.whenClosed;
  }

  private ask(): void {
    if (this.phase !== 'connecting') return;
    this.phase = 'asking';
    this.socket.write(`CONNECT ${this.options.address} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
  }

  private readonly read = (): void => {
    while (this.phase === 'connecting' || this.phase === 'asking') {
      const chunk = this.socket.read() as Buffer | null;
      if (chunk === null) return;
      const answer = this.reader.receive(chunk);
      if (answer !== undefined) this.answered(answer);
    }
  };

  private answered(answer: ConnectAnswer): void {
    const { address, settings } = this.options;
    if (answer.kind === 'broken') return this.fail('TUNNEL_CLOSED', this.readingFailed(answer.text));
    const { code, status, restBytes } = answer;
    const proxy = proxyName(settings);
    if (code !== 200) {
      const text = `proxy error from ${proxy} while dialing ${address}, code ${code}: ${status}`;
      return this.fail(errorCodeOf(code), text);
    }
    if (restBytes > 0) {
      const text = `unexpected ${restBytes} bytes of buffered data from CONNECT proxy ${JSON.stringify(proxy)}`;
      return this.fail('PROTOCOL_VIOLATION', text);
    }
    this.leave('open');
    this.socket.off('readable', this.read);
    this.journal.tell('dial.established');
    this.options.resolve(this.socket);
  }

  /** The socket failed. The error goes to the user of the connection, or is the reason why the dial failed. */
  private failed(error: NodeJS.ErrnoException): void {
    this.lastError = goBrokenText(error);
    if (this.phase === 'asking') {
      this.fail('TUNNEL_CLOSED', this.readingFailed(this.lastError));
    } else if (this.phase === 'connecting') {
      const text = transportText(error.message);
      const code = unreachableCode(text, this.options.settings.tls !== undefined);
      this.fail(code, code === 'TLS_REJECTED' ? text : this.connectingFailed(error), error);
    }
  }

  private closed(): void {
    this.fail('TUNNEL_CLOSED', this.readingFailed(cutShortText));
    if (this.phase === 'open') {
      this.journal.tell('connection.closed', this.lastError === '' ? {} : { error: this.lastError });
    }
    this.options.ended();
  }

  /** Does nothing after the dial has ended. */
  private fail(code: ErrorCode, text: string, cause?: unknown): void {
    if (this.phase === 'open' || this.phase === 'failed') return;
    this.leave('failed');
    this.socket.destroy();
    this.journal.tell('dial.failed', { code, error: text });
    const { settings, address, reject } = this.options;
    const where =
      code === 'DIAL_FAILED'
        ? `the agent's dial to ${address}`
        : `${settings.name} → ${settings.serverName} (${settings.address})`;
    reject(new TunnelError(code, text, cause === undefined ? { where } : { where, cause }));
  }

  private leave(phase: 'open' | 'failed'): void {
    this.phase = phase;
    this.timer?.cancel();
    this.stopListening();
  }

  private connectingFailed({ code = '', message }: NodeJS.ErrnoException): string {
    const { settings } = this.options;
    const network = settings.address.startsWith(unixPrefix) ? 'unix' : 'tcp';
    const lookup = goLookupText(code);
    if (lookup !== undefined) return `dial tcp: lookup ${splitHostPort(settings.address)?.host}: ${lookup}`;
    return `dial ${network} ${proxyName(settings)}: ${goConnectText(code, message)}`;
  }

  private readingFailed(text: string): string {
    const { address, settings } = this.options;
    return `reading HTTP response from CONNECT to ${address} via proxy ${proxyName(settings)} failed: ${text}`;
  }
}

/** The name of the proxy in kube-apiserver's texts: a socket's path, or `host:port`. */
function proxyName({ address }: HttpConnectClientSettings): string {
  return address.startsWith(unixPrefix) ? address.slice(unixPrefix.length) : address;
}

function openSocket(settings: HttpConnectClientSettings, ready: () => void): Socket {
  const { address, tls, tlsServerName } = settings;
  if (address.startsWith(unixPrefix)) return connectTcp(address.slice(unixPrefix.length), ready);
  const target = splitHostPort(address);
  if (target === undefined) throw new TunnelError('BAD_REQUEST', `${address} is not HOST:PORT`);
  if (tls === undefined) return connectTcp(target, ready).setNoDelay(true);
  const servername = tlsServerName ?? (isIP(target.host) === 0 ? target.host : undefined);
  const named = servername === undefined ? {} : { servername };
  return connectTls({ ...target, ...tls, ...named }, ready).setNoDelay(true);
}

/** The error code for a status other than 200. The body, which would say more, is not read. */
function errorCodeOf(status: number): ErrorCode {
  if (status === 500) return 'NO_AGENT';
  if (status === 502 || status === 503) return 'DIAL_FAILED';
  if (status === 504) return 'DIAL_TIMEOUT';
  return 'PROTOCOL_VIOLATION';
}
