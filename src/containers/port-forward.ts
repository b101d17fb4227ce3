import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TunnelError } from '../core/errors.js';
import { type ConnectionEnds, endsOf, goText } from '../core/go-texts.js';
import type { ForwardRule } from './behaviours.js';
import type { ContainerRun } from './container-run.js';
import type { HeldPod } from './held-pod.js';
import { createDuplexPair } from './io/duplex-pair.js';
import type { SandboxContainer } from './sandbox-container.js';

export interface Forward {
  readonly pod: HeldPod<SandboxContainer>;
  readonly port: number;
  readonly rule: ForwardRule | undefined;
  readonly execId: () => string;
  readonly signal: AbortSignal;
}

/** Opens one connection to a port of the pod. Rejects with PORT_CLOSED and the text of a container runtime. */
export async function openPort(forward: Forward): Promise<Duplex> {
  const { pod, port, rule } = forward;
  const runs = pod.containers.flatMap(({ run }) => (run === undefined ? [] : [run]));
  const [first] = runs;
  if (rule?.error !== undefined) throw new TunnelError('PORT_CLOSED', rule.error);
  if (first === undefined) throw new TunnelError('PORT_CLOSED', refusedText(pod.sandboxId, port));
  if (rule?.target !== undefined) {
    return dialTarget(rule.target, { sandboxId: pod.sandboxId, signals: [forward.signal, first.signal] });
  }
  const ends = (): ConnectionEnds => pairEnds(port, forward.execId());
  if (rule?.command !== undefined) {
    return wordErrors(runCommand(forward, rule.command, first), pod.sandboxId, ends);
  }
  const listening = runs.find((run) => run.listensOn(port));
  if (listening === undefined) throw new TunnelError('PORT_CLOSED', refusedText(pod.sandboxId, port));
  const connection = listening.connect(port);
  destroyOnAbort(connection, [forward.signal]);
  return wordErrors(connection, pod.sandboxId, ends);
}

/** What a container runtime says about a closed port. */
export function refusedText(sandboxId: string, port: number): string {
  const ipv4 = `IPv4: dial tcp4 127.0.0.1:${port}: connect: connection refused`;
  const ipv6 = `IPv6 dial tcp6 [::1]:${port}: connect: connection refused`;
  const cause = `failed to connect to localhost:${port} inside namespace "${sandboxId}", ${ipv4} ${ipv6}`;
  return inNamespace(sandboxId, cause);
}

function inNamespace(sandboxId: string, cause: string): string {
  const namespace = `/var/run/netns/cni-${sandboxId.slice(0, 36)}`;
  return `failed to execute portforward in network namespace "${namespace}": ${cause}`;
}

/** Gives the error of a connection that breaks the text of a container runtime. */
function wordErrors<Connection extends Duplex>(
  connection: Connection,
  sandboxId: string,
  ends: () => ConnectionEnds,
): Connection {
  return connection.on('error', (error) => {
    const text = goText(error.message, ends());
    if (text !== error.message) error.message = inNamespace(sandboxId, text);
  });
}

const firstLocalPort = 32_768;

/** A connection in memory has no port of its own. The runtime's would be one that Linux chose. */
function pairEnds(port: number, id: string): ConnectionEnds {
  const local = firstLocalPort + (Number.parseInt(id.slice(0, 4), 16) % 28_232);
  return { network: 'tcp4', local: `127.0.0.1:${local}`, remote: `127.0.0.1:${port}` };
}

export interface TargetOptions {
  readonly sandboxId: string;
  /** Any of them cancels the attempt. */
  readonly signals: readonly AbortSignal[];
}

/** Connects to a real address. Rejects with PORT_CLOSED. */
export function dialTarget(
  { address: host, port }: { readonly address: string; readonly port: number },
  options: TargetOptions,
): Promise<Socket> {
  const socket = connect({ host, port, allowHalfOpen: true });
  return opened(socket, `${host}:${port}`, options).then(() => {
    const ends = endsOf(socket, socket.localFamily === 'IPv6' ? 'tcp6' : 'tcp4');
    return wordErrors(socket, options.sandboxId, () => ends);
  });
}

/** Connects to a Unix socket that is a port of the pod. Rejects with PORT_CLOSED. */
export async function dialSocket(path: string, port: number, options: TargetOptions): Promise<Socket> {
  const socket = connect({ path, allowHalfOpen: true });
  await opened(socket, `localhost:${port}`, options);
  return wordErrors(socket, options.sandboxId, () => pairEnds(port, options.sandboxId));
}

function opened(socket: Socket, name: string, { signals }: TargetOptions): Promise<void> {
  destroyOnAbort(socket, signals);
  return new Promise((resolve, reject) => {
    const fail = (cause: Error): void => {
      const message = `failed to connect to ${name}: ${goText(cause.message)}`;
      reject(new TunnelError('PORT_CLOSED', message, { cause }));
    };
    socket.on('error', fail);
    socket.once('close', () => fail(new Error('connection closed')));
    socket.once('connect', resolve);
  });
}

/** The command's standard input and output are the connection; its standard error goes to the container's log. */
function runCommand({ signal, execId }: Forward, argv: readonly string[], run: ContainerRun): Duplex {
  const [near, far] = createDuplexPair();
  destroyOnAbort(near, [signal, run.signal]);
  const streams = { stdin: far, stdout: far, signal: AbortSignal.any([signal, run.signal]) };
  void run.execute({ argv, tty: false, streams, execId }).then(
    (result) => {
      if (result.kind === 'error') run.logs.append('stderr', `${result.message}\n`);
      far.end();
    },
    (error: unknown) => far.destroy(error instanceof Error ? error : new Error(String(error))),
  );
  return near;
}

/** Destroys a connection when the signal aborts, and stops listening when the connection is closed. */
function destroyOnAbort(connection: Duplex, signals: readonly AbortSignal[]): void {
  const stop = (): void => void connection.destroy();
  for (const signal of signals) {
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
  }
  connection.once('close', () => {
    for (const signal of signals) signal.removeEventListener('abort', stop);
  });
}
