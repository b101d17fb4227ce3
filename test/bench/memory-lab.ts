import { once } from 'node:events';
import { request } from 'node:https';
import { createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import WebSocket from 'ws';
import { createRealClock } from '../../src/core/clock.js';
import { KubeletClient } from '../../src/lab/kubelet-client/kubelet-client.js';
import type { Lab } from '../../src/lab/lab.js';
import { startLab } from '../../src/lab/start-lab.js';
import { host, listen } from './sockets.js';
import { serve } from './worker.js';

/** What a step of the memory cell does, and how often or how much. */
export type MemoryStep =
  | { readonly step: 'upload' | 'download'; readonly sizeBytes: number }
  | { readonly step: 'execs' | 'attaches' | 'chatty-pod'; readonly count: number };

/** The memory of the process after a step, bytes, and how long the step took. */
export interface MemoryUse {
  readonly rss: number;
  readonly heapUsed: number;
  readonly external: number;
  readonly tookMs: number;
}

const chunk = Buffer.alloc(64 * 1024, 'x');
const atOnce = 20;
/** One request in so many takes the kubelet's HTTP port, through the API server. */
const httpShare = 5;
const settleMs = 1000;

/** Work on a lab in this process: whatever it leaves behind is to be seen in the memory of this process. */
class MemoryLab {
  private readonly lab: Lab;
  private readonly port: number;
  private pods = 0;

  private constructor(lab: Lab, port: number) {
    this.lab = lab;
    this.port = port;
  }

  static async start(): Promise<MemoryLab> {
    const server = createServer((socket) => void serveBytes(socket));
    const port = await listen(server, host);
    return new MemoryLab(await startLab({ nodes: 2 }), port);
  }

  async run(step: MemoryStep): Promise<MemoryUse> {
    const beginMs = performance.now();
    await this.work(step);
    const tookMs = performance.now() - beginMs;
    await this.lab.settled({ withinMs: 30_000 });
    return { ...(await restingMemory()), tookMs };
  }

  private async work(step: MemoryStep): Promise<void> {
    switch (step.step) {
      case 'upload':
      case 'download':
        return this.carry(step.step, step.sizeBytes);
      case 'execs':
        return repeat(step.count, (index) => this.exec(index % httpShare === 0));
      case 'attaches':
        return repeat(step.count, (index) => this.attach(index % httpShare === 0));
      case 'chatty-pod':
        return this.chat(step.count);
    }
  }

  private async carry(direction: 'upload' | 'download', sizeBytes: number): Promise<void> {
    const connection = await this.lab.dial(host, this.port);
    connection.on('error', () => undefined);
    connection.write(`${direction} ${sizeBytes}\n`);
    if (direction === 'upload') await writeBytes(connection, sizeBytes);
    let arrived = 0;
    for await (const bytes of connection) arrived += (bytes as Buffer).length;
    const wanted = direction === 'upload' ? 1 : sizeBytes;
    if (arrived !== wanted) throw new Error(`${direction}: ${arrived} bytes of ${wanted} arrived`);
  }

  private async exec(overHttp: boolean): Promise<void> {
    if (overHttp) return this.webSocket('web-1/exec?command=true&stdout=true&stderr=true', true);
    const { exitCode } = await this.lab.exec('web-1', ['true']);
    if (exitCode !== 0) throw new Error(`exec: exit code ${exitCode}`);
  }

  private async attach(overHttp: boolean): Promise<void> {
    if (overHttp) return this.webSocket('shell/attach?stdin=true&stdout=true&tty=true', false);
    const { ref, node } = this.lab.cluster.locate('web-1');
    const place = this.lab.nodes.find(({ name }) => name === node);
    const { ca, leaves } = this.lab.certificates;
    const { certPem: cert, keyPem: key } = leaves['apiserver-kubelet-client'];
    const target = { host: place?.ip ?? '', port: place?.kubeletPort ?? 0, dialer: this.lab.tunnel };
    const client = new KubeletClient({
      ...target,
      tls: { ca: ca.certPem, cert, key },
      clock: createRealClock(),
    });
    const leave = new AbortController();
    const mark = this.lab.mark();
    const request = `attach-${mark}`;
    const ended = client.attach(ref, { signal: leave.signal }, { request }).catch(() => undefined);
    await this.lab.waitFor({ kind: 'request.started', request }, { since: mark, withinMs: 30_000 });
    leave.abort();
    await ended;
    await client.close();
  }

  /** A command or an attach through the API server; resolves when it has ended, or been opened and left. */
  private async webSocket(path: string, untilEnd: boolean): Promise<void> {
    const url = `${this.lab.apiServerUrl}/api/v1/namespaces/default/pods/${path}`;
    const socket = new WebSocket(url, ['v5.channel.k8s.io'], { ...this.access, perMessageDeflate: false });
    socket.on('error', () => undefined);
    const closed = once(socket, 'close');
    if (!untilEnd) socket.once('open', () => socket.close(1000));
    const opened = once(socket, 'open');
    await opened;
    await closed;
  }

  private async chat(lines: number): Promise<void> {
    this.pods += 1;
    const name = `chatty-${this.pods}`;
    const container = { name: 'main', image: 'any', command: ['seq', '1', String(lines)] };
    const pod = {
      ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default' } },
      spec: { containers: [container], restartPolicy: 'Never' },
    };
    await this.ask('POST', '/api/v1/namespaces/default/pods', pod);
    for (let phase = ''; phase !== 'Succeeded'; await delay(200)) {
      const answer = await this.ask('GET', `/api/v1/namespaces/default/pods/${name}`);
      phase = (answer as { status: { phase: string } }).status.phase;
    }
  }

  private async ask(method: string, path: string, body?: object): Promise<unknown> {
    const call = request(`${this.lab.apiServerUrl}${path}`, {
      ...{ ...this.access, method, headers: { 'Content-Type': 'application/json' } },
    });
    call.end(body === undefined ? undefined : JSON.stringify(body));
    const [response] = await once(call, 'response');
    let text = '';
    for await (const part of response) text += String(part);
    if (response.statusCode >= 300) throw new Error(`${method} ${path}: ${response.statusCode} ${text}`);
    return JSON.parse(text);
  }

  private get access(): { ca: string; cert: string; key: string } {
    const { ca, leaves } = this.lab.certificates;
    return { ca: ca.certPem, cert: leaves.admin.certPem, key: leaves.admin.keyPem };
  }
}

async function repeat(count: number, once: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const some = async (): Promise<void> => {
    while (next < count) await once(next++);
  };
  await Promise.all(Array.from({ length: atOnce }, some));
}

/** The far end of the tunnel: takes so many bytes and answers with one, or sends so many. */
async function serveBytes(socket: Socket): Promise<void> {
  socket.on('error', () => undefined);
  const [first] = (await once(socket, 'data')) as [Buffer];
  const lineEnd = first.indexOf('\n') + 1;
  const [direction, size] = first.subarray(0, lineEnd).toString().split(' ');
  if (direction === 'download') await writeBytes(socket, Number(size));
  else {
    let left = Number(size) - (first.length - lineEnd);
    socket.on('data', (bytes: Buffer) => {
      left -= bytes.length;
      if (left === 0) socket.end('.');
    });
    return;
  }
  socket.end();
}

async function writeBytes(stream: NodeJS.WritableStream, sizeBytes: number): Promise<void> {
  for (let left = sizeBytes; left > 0; left -= chunk.length) {
    if (!stream.write(chunk.subarray(0, Math.min(left, chunk.length)))) await once(stream, 'drain');
  }
}

/** After the garbage is gone, and what closes late has closed. */
async function restingMemory(): Promise<Omit<MemoryUse, 'tookMs'>> {
  for (let round = 0; round < 3; round += 1) {
    await delay(settleMs);
    globalThis.gc?.();
  }
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rss, heapUsed, external };
}

serve(async () => {
  const memory = await MemoryLab.start();
  return { hello: undefined, handle: (step: MemoryStep) => memory.run(step) };
});
