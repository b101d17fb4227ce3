import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeCertificateDirectory } from '../../src/pki/files.js';
import { Konnsim, scratchFolder } from './konnsim.js';
import { soon } from './waits.js';

type Program = 'proxy-server' | 'proxy-agent';
type Flags = Readonly<Record<string, string | number | boolean>>;

const host = '127.0.0.1';
const tried = new Set<number>();

/** A port that is free now, in the range that proxy-servers allow and the system does not hand out by itself. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 12_000 + Math.floor(Math.random() * 20_000);
    if (tried.has(port)) continue;
    tried.add(port);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return soon((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  }, 'free port');
}

export interface Ports {
  readonly frontends: number;
  readonly agents: number;
  readonly health: number;
  readonly admin: number;
  readonly agentHealth: number;
  readonly agentAdmin: number;
}

/** The drop-in programs as processes, with certificates, ports and a socket for frontends; and an echoing endpoint. */
export class DropinBench {
  readonly folder: string;
  readonly ports: Ports;
  readonly endpointPort: number;
  private readonly endpoint: Server;
  private readonly removeFolder: () => Promise<void>;
  private readonly running: Konnsim[] = [];

  private constructor(
    parts: Pick<DropinBench, 'folder' | 'ports'> & { endpoint: Server; remove: () => Promise<void> },
  ) {
    this.folder = parts.folder;
    this.ports = parts.ports;
    this.endpoint = parts.endpoint;
    this.removeFolder = parts.remove;
    this.endpointPort = (parts.endpoint.address() as { port: number }).port;
  }

  /** `dnsNames`: further names of the servers. */
  static async open(dnsNames: readonly string[] = []): Promise<DropinBench> {
    const folder = await scratchFolder();
    await writeCertificateDirectory(folder.path, { dnsNames });
    const endpoint = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.pipe(socket);
    });
    await soon<void>((resolve) => endpoint.listen(0, host, resolve), 'listening endpoint');
    const ports = {
      frontends: await freePort(),
      agents: await freePort(),
      health: await freePort(),
      admin: await freePort(),
      agentHealth: await freePort(),
      agentAdmin: await freePort(),
    };
    return new DropinBench({ folder: folder.path, ports, endpoint, remove: folder.remove });
  }

  get socket(): string {
    return join(this.folder, 'frontends.sock');
  }

  file(name: string): string {
    return join(this.folder, name);
  }

  /** Starts a program with flags as `--name=value`; undefined values are left out. */
  start(program: Program, flags: Flags, env: Readonly<Record<string, string>> = {}): Konnsim {
    const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
    const path = fileURLToPath(new URL(`../../bin/${program}`, import.meta.url));
    const started = new Konnsim(args, { cwd: this.folder, program: path, env });
    this.running.push(started);
    return started;
  }

  /** Flags of a server with a Unix socket for frontends. */
  serverFlags(over: Flags = {}): Flags {
    return {
      'uds-name': this.socket,
      'server-port': 0,
      'agent-bind-address': host,
      'agent-port': this.ports.agents,
      'health-bind-address': host,
      'health-port': this.ports.health,
      'admin-port': this.ports.admin,
      'cluster-ca-cert': this.file('agent-ca.crt'),
      'cluster-cert': this.file('server.crt'),
      'cluster-key': this.file('server.key'),
      'server-id': 's1',
      ...over,
    };
  }

  agentFlags(over: Flags = {}): Flags {
    return {
      'proxy-server-port': this.ports.agents,
      'ca-cert': this.file('agent-ca.crt'),
      'agent-cert': this.file('agent.crt'),
      'agent-key': this.file('agent.key'),
      'agent-id': 'a1',
      'health-server-host': host,
      'health-server-port': this.ports.agentHealth,
      'admin-server-port': this.ports.agentAdmin,
      'sync-interval': '100ms',
      'sync-interval-cap': '1s',
      ...over,
    };
  }

  /** Both programs, connected. */
  async both(server: Flags = {}, agent: Flags = {}): Promise<{ server: Konnsim; agent: Konnsim }> {
    const started = this.start('proxy-server', this.serverFlags(server));
    await started.waitFor(/role\.started/);
    const dialling = this.start('proxy-agent', this.agentFlags(agent));
    await started.waitFor(/backend\.connected/);
    await dialling.waitFor(/agent\.connected/);
    return { server: started, agent: dialling };
  }

  async close(): Promise<void> {
    await Promise.all(this.running.map((program) => program.stop('SIGKILL')));
    await soon((resolve) => this.endpoint.close(resolve), 'end of the endpoint');
    await this.removeFolder();
  }
}
