import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { expect } from 'vitest';
import { freePort } from '../support/dropin.js';
import { eventually, soon } from '../support/waits.js';
import { Process } from './process.js';
import type { Cell } from './programs.js';

const host = '127.0.0.1';
type Flags = Readonly<Record<string, string | number>>;

/** A backend that sends back what it gets, and one that `proxy-test-client` can ask. */
export class Backends {
  private readonly echo: Server;
  private readonly http: HttpServer;

  private constructor(echo: Server, http: HttpServer) {
    this.echo = echo;
    this.http = http;
  }

  static async open(): Promise<Backends> {
    const echo = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.pipe(socket);
    });
    const http = createHttpServer((request, response) => response.end(`path ${request.url}\n`));
    await Promise.all(
      [echo, http].map((server) => soon<void>((up) => server.listen(0, host, up), 'listening server')),
    );
    return new Backends(echo, http);
  }

  get echoPort(): number {
    return (this.echo.address() as AddressInfo).port;
  }

  get httpPort(): number {
    return (this.http.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    this.http.closeAllConnections();
    await Promise.all(
      [this.echo, this.http].map((server) => soon((done) => server.close(done), 'end of a server')),
    );
  }
}

/** Server and agent of one cell as processes. Both get the same flags, whoever wrote them. */
export class CellBench {
  private readonly cell: Cell;
  private readonly folder: string;
  private readonly ports: readonly number[];
  server: Process | undefined;
  agent: Process | undefined;
  private closed = false;

  private constructor(cell: Cell, folder: string, ports: readonly number[]) {
    this.cell = cell;
    this.folder = folder;
    this.ports = ports;
  }

  /** `folder` holds the certificates, and takes the socket. */
  static async open(cell: Cell, folder: string): Promise<CellBench> {
    const ports: number[] = [];
    for (let n = 0; n < 6; n++) ports.push(await freePort());
    return new CellBench(cell, folder, ports);
  }

  /** Where frontends connect: `unix:///path` or `localhost:port`. */
  get frontend(): string {
    return this.cell.transport === 'uds' ? `unix://${this.socket}` : `localhost:${this.port(0)}`;
  }

  file(name: string): string {
    return join(this.folder, name);
  }

  startServer(): void {
    this.checkOpen();
    this.server = new Process(this.cell.server.server, this.serverFlags());
  }

  startAgent(): void {
    this.checkOpen();
    this.agent = new Process(this.cell.agent.agent, this.agentFlags());
  }

  /** Waits until both say so: the server has an agent, and the agent a server. */
  async ready(): Promise<void> {
    await this.statusIs(2, 200);
    await this.statusIs(4, 200);
  }

  /** Waits until the server has seen that its agent is gone. */
  agentMissed(): Promise<void> {
    return this.statusIs(2, 500);
  }

  async killServer(): Promise<void> {
    await this.server?.kill();
  }

  /** SIGTERM, as Kubernetes stops a container; resolves with the exit code. */
  async stopServer(): Promise<number | null> {
    this.server?.signal('SIGTERM');
    return (await this.server?.exit()) ?? null;
  }

  async drainAgent(): Promise<void> {
    this.agent?.signal('SIGTERM');
    await this.agent?.printed(/Received first signal|agent\.draining/);
  }

  async killAgent(): Promise<void> {
    await this.agent?.kill();
  }

  /** Konnectivity's own client asks `port` for /success; what it prints. */
  async testClient(
    path: string,
    port: number,
  ): Promise<{ readonly code: number | null; readonly output: string }> {
    const client = new Process([path], this.testClientFlags(port));
    return { code: await client.exit(), output: client.output };
  }

  async close(): Promise<void> {
    this.closed = true;
    await Promise.all([this.server?.kill(), this.agent?.kill()]);
  }

  /** A test that ran out of time may go on after the bench was closed: it must leave no process behind. */
  private checkOpen(): void {
    if (this.closed) throw new Error('the bench is closed');
  }

  private port(index: number): number {
    return this.ports[index] ?? 0;
  }

  /** The path of the Unix socket. */
  get socket(): string {
    return this.file(`${this.port(0)}.sock`);
  }

  private async statusIs(port: number, status: number): Promise<void> {
    const ask = async (): Promise<number> => {
      const answer = await fetch(`http://${host}:${this.port(port)}/readyz`).catch(() => undefined);
      await answer?.arrayBuffer();
      return answer?.status ?? 0;
    };
    const asked = async (): Promise<void> => expect(await ask(), `port ${this.port(port)}`).toBe(status);
    await eventually(asked, { intervalMs: 20 });
  }

  private serverFlags(): Flags {
    return {
      mode: this.cell.mode,
      ...(this.cell.transport === 'uds' ? { 'uds-name': this.socket, 'server-port': 0 } : this.tcpFlags()),
      'agent-bind-address': host,
      'agent-port': this.port(1),
      'health-bind-address': host,
      'health-port': this.port(2),
      'admin-bind-address': host,
      'admin-port': this.port(3),
      'cluster-ca-cert': this.file('agent-ca.crt'),
      'cluster-cert': this.file('server.crt'),
      'cluster-key': this.file('server.key'),
      'server-id': 'interop-server',
      v: 2,
    };
  }

  private tcpFlags(): Flags {
    return {
      'server-bind-address': host,
      'server-port': this.port(0),
      'server-ca-cert': this.file('frontend-ca.crt'),
      'server-cert': this.file('server-frontend.crt'),
      'server-key': this.file('server-frontend.key'),
    };
  }

  private agentFlags(): Flags {
    return {
      'proxy-server-host': host,
      'proxy-server-port': this.port(1),
      'ca-cert': this.file('agent-ca.crt'),
      'agent-cert': this.file('agent.crt'),
      'agent-key': this.file('agent.key'),
      'agent-id': 'interop-agent',
      'health-server-host': host,
      'health-server-port': this.port(4),
      'admin-bind-address': host,
      'admin-server-port': this.port(5),
      'sync-interval': '100ms',
      'sync-interval-cap': '500ms',
      'probe-interval': '100ms',
      v: 2,
    };
  }

  private testClientFlags(port: number): Flags {
    const proxy =
      this.cell.transport === 'uds'
        ? { 'proxy-uds': this.socket, 'proxy-host': '', 'proxy-port': 0 }
        : {
            'proxy-host': host,
            'proxy-port': this.port(0),
            'ca-cert': this.file('frontend-ca.crt'),
            'client-cert': this.file('frontend-client.crt'),
            'client-key': this.file('frontend-client.key'),
          };
    const request = { 'request-host': host, 'request-port': port, 'request-path': 'success' };
    return { mode: this.cell.mode, ...proxy, ...request, 'test-requests': 3, 'test-delay': 0 };
  }
}
