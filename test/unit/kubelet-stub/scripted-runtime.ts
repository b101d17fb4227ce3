import { connect } from 'node:net';
import type { Duplex, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import type {
  ContainerRef,
  ExecRequest,
  LogFile,
  LogRequest,
  PodUsage,
  PortForwardRequest,
  Runtime,
} from '../../../src/containers/runtime.js';
import { TunnelError } from '../../../src/core/errors.js';
import type { Pod } from '../../../src/kube/pod-objects.js';
import type { RemoteCommandResult, RemoteCommandStreams } from '../../../src/streams/types.js';
import { once, within } from '../../support/waits.js';

type Program = (
  args: readonly string[],
  streams: RemoteCommandStreams,
  runtime: ScriptedRuntime,
) => Promise<RemoteCommandResult>;

const exit = (code: number): RemoteCommandResult => ({ kind: 'exit', code });
const startedAt = '2026-03-01T10:00:00Z';

const programs: Record<string, Program> = {
  async echo(args, { stdout, stderr }) {
    stdout?.write(`${args.join(' ')}\n`);
    stderr?.write('noted\n');
    return exit(0);
  },
  async exit([code]) {
    return exit(Number(code));
  },
  async broken() {
    return { kind: 'error', message: 'the shim is gone' };
  },
  async throws() {
    throw new TunnelError('COMMAND_NOT_FOUND', 'exec: "throws": executable file not found in $PATH');
  },
  async cat(_args, { stdin, stdout }) {
    if (stdin !== undefined && stdout !== undefined) await pipeline(stdin, stdout, { end: false });
    return exit(0);
  },
  async flood([size], { stdout, signal }, runtime) {
    const chunk = Buffer.alloc(64 * 1024, 'f');
    for (let left = Number(size); left > 0; left -= chunk.length) {
      const piece = chunk.subarray(0, left);
      const room = stdout?.write(piece);
      runtime.flooded += piece.length;
      if (room === false && stdout !== undefined) await once(stdout, 'drain', { signal });
    }
    return exit(0);
  },
  async hang(_args, { signal }, runtime) {
    runtime.started();
    if (!signal.aborted) await once(signal, 'abort');
    runtime.aborted();
    throw new TunnelError('TUNNEL_CLOSED', 'killed');
  },
  async deaf([], { stdin, stdout }, runtime) {
    runtime.input = stdin;
    runtime.started();
    await runtime.released;
    stdout?.write(String(stdin === undefined ? 0 : (await text(stdin)).length));
    return exit(0);
  },
  async sizes([count], { resize, stdout }) {
    let left = Number(count);
    for await (const { width, height } of resize ?? []) {
      stdout?.write(`${width}x${height} `);
      left--;
      if (left === 0) break;
    }
    return exit(0);
  },
  async streams(_args, streams) {
    const { stdin, stdout, stderr, resize } = streams;
    const names = Object.entries({ stdin, stdout, stderr, resize }).filter(
      ([, stream]) => stream !== undefined,
    );
    stdout?.write(names.map(([name]) => name).join(','));
    return exit(0);
  },
};

/** A runtime whose programs do one thing each, so that a test controls both ends of a stream. */
export class ScriptedRuntime implements Runtime {
  /** Bytes that `flood` was allowed to write. */
  flooded = 0;
  /** What `deaf` does not read yet. */
  input: Readable | undefined;
  readonly logRequests: LogRequest[] = [];
  started: () => void = () => undefined;
  aborted: () => void = () => undefined;
  release: () => void = () => undefined;
  private readonly start = new Promise<void>((resolve) => {
    this.started = resolve;
  });
  private readonly abortion = new Promise<void>((resolve) => {
    this.aborted = resolve;
  });
  readonly released = new Promise<void>((resolve) => {
    this.release = resolve;
  });
  logLines: readonly string[] = ['one\n', 'two\n'];
  /** Where port 8080 of the pod really listens. */
  targetPort = 0;

  get hasStarted(): Promise<void> {
    return within(this.start, 'start of the command');
  }

  get hasAborted(): Promise<void> {
    return within(this.abortion, 'end of the command by its signal');
  }

  listPods(): readonly Pod[] {
    return [pod];
  }

  checkContainer({ namespace, pod: name, container, uid }: ContainerRef): void {
    const wrongUid = uid !== undefined && uid !== pod.metadata.uid;
    if (namespace !== 'default' || name !== 'web-0' || wrongUid) {
      throw new TunnelError('POD_NOT_FOUND', `pods "${name}" not found`, { where: 'container wéb' });
    }
    if (!pod.spec.containers.some((candidate) => candidate.name === container)) {
      throw new TunnelError('CONTAINER_NOT_FOUND', `container ${container} is not valid for pod ${name}`);
    }
  }

  checkRunning(ref: ContainerRef): void {
    this.checkContainer(ref);
  }

  async exec(request: ExecRequest, streams: RemoteCommandStreams): Promise<RemoteCommandResult> {
    this.checkContainer(request);
    const [name = '', ...args] = request.command;
    const program = programs[name];
    if (program === undefined) throw new TunnelError('COMMAND_NOT_FOUND', `no program ${name}`);
    return program(args, streams, this);
  }

  async attach(_ref: ContainerRef, { stdin, stdout }: RemoteCommandStreams): Promise<RemoteCommandResult> {
    stdout?.write('attached: ');
    if (stdin !== undefined && stdout !== undefined) await pipeline(stdin, stdout, { end: false });
    return exit(0);
  }

  hasTerminal({ container }: ContainerRef): boolean {
    return container === 'shell';
  }

  async logs(request: LogRequest, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    this.checkContainer(request);
    this.logRequests.push(request);
    if (request.previous) {
      const name = `container "${request.container}" in pod "${request.pod}"`;
      throw new TunnelError('LOGS_UNAVAILABLE', `previous terminated ${name} not found`);
    }
    return this.readLog(request, signal);
  }

  async portForward({ port }: PortForwardRequest): Promise<Duplex> {
    if (port !== 8080) throw new TunnelError('PORT_CLOSED', `dial tcp 127.0.0.1:${port}: connection refused`);
    const socket = connect({ port: this.targetPort, host: '127.0.0.1', allowHalfOpen: true });
    await once(socket, 'connect');
    return socket;
  }

  async usage(): Promise<readonly PodUsage[]> {
    return [];
  }

  logFiles(): readonly LogFile[] {
    return [];
  }

  async close(): Promise<void> {
    this.aborted();
  }

  private async *readLog({ follow }: LogRequest, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    for (const line of this.logLines) yield Buffer.from(line);
    if (!follow) return;
    this.started();
    if (!signal.aborted) await once(signal, 'abort');
    this.aborted();
  }
}

const status = { image: 'nginx', imageID: '', containerID: 'x', ready: true, started: true, restartCount: 2 };
const running = { ...status, state: { running: { startedAt } }, lastState: {} };

export const pod: Pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web-0', namespace: 'default', uid: 'u-1', creationTimestamp: startedAt },
  spec: {
    nodeName: 'node-1',
    containers: [
      { name: 'app', image: 'nginx' },
      { name: 'shell', image: 'nginx', stdin: true, tty: true },
    ],
  },
  status: {
    phase: 'Running',
    hostIP: '10.0.1.11',
    podIP: '10.1.0.2',
    podIPs: [{ ip: '10.1.0.2' }],
    startTime: startedAt,
    conditions: [],
    containerStatuses: [
      { name: 'app', ...running },
      { name: 'shell', ...running },
    ],
  },
};
