import { type Duplex, PassThrough } from 'node:stream';
import {
  createSandboxRuntime,
  type SandboxOptions,
  type SandboxRuntime,
} from '../../../src/containers/sandbox-runtime.js';
import { ManualClock } from '../../../src/core/clock.js';
import { ignoreEvents } from '../../../src/core/events.js';
import { createRandom } from '../../../src/core/random.js';
import type { Container, Pod } from '../../../src/kube/pod-objects.js';
import type { RemoteCommandResult, TerminalSize } from '../../../src/streams/types.js';
import { each, once, soon } from '../../support/waits.js';

/** 2026-01-02T03:04:05Z: the wall time at which every sandbox of these tests starts. */
export const startTimeMs = Date.UTC(2026, 0, 2, 3, 4, 5);

export function testPod(
  containers: readonly Container[],
  overrides: Partial<Pod['spec']> = {},
  name = 'web-0',
): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', uid: `uid-${name}`, creationTimestamp: '2026-01-02T03:04:05Z' },
    spec: { nodeName: 'node-1', containers, ...overrides },
    status: {
      phase: 'Pending',
      hostIP: '10.0.1.11',
      podIP: '10.1.1.5',
      podIPs: [{ ip: '10.1.1.5' }],
      startTime: '2026-01-02T03:04:05Z',
      conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: '2026-01-02T03:04:05Z' }],
      containerStatuses: [],
    },
  };
}

export interface TestSandbox {
  readonly runtime: SandboxRuntime;
  readonly clock: ManualClock;
}

/** A sandbox with one pod `web-0` whose container `main` idles, unless told otherwise. */
export function sandbox(pods?: readonly Pod[], options: Partial<SandboxOptions> = {}): TestSandbox {
  const clock = new ManualClock();
  const runtime = createSandboxRuntime({
    nodeName: 'node-1',
    pods: pods ?? [testPod([{ name: 'main', image: 'busybox', env: [{ name: 'COLOUR', value: 'blue' }] }])],
    clock,
    random: createRandom(1),
    emit: ignoreEvents,
    startTimeMs,
    ...options,
  });
  return { runtime, clock };
}

export const main = { namespace: 'default', pod: 'web-0', container: 'main' } as const;

/** The client's end of an exec or attach, as kubectl has it. */
export class Client {
  readonly stdin = new PassThrough();
  readonly stdout = new PassThrough();
  readonly stderr = new PassThrough();
  private readonly abortion = new AbortController();
  private readonly chunks: Record<'stdout' | 'stderr', Buffer[]> = { stdout: [], stderr: [] };
  private sizes: TerminalSize[] = [];
  private wake: () => void = () => undefined;

  constructor() {
    for (const name of ['stdout', 'stderr'] as const) {
      this[name].on('data', (chunk: Buffer) => {
        this.chunks[name].push(chunk);
        this.wake();
      });
      this[name].on('error', () => undefined);
    }
    this.stdin.on('error', () => undefined);
  }

  get signal(): AbortSignal {
    return this.abortion.signal;
  }

  /** The client leaves: its input ends, and its outputs accept nothing more. */
  abort(): void {
    this.abortion.abort();
    this.stdin.end();
    this.stdout.destroy();
    this.stderr.destroy();
    this.wake();
  }

  get bytes(): Buffer {
    return Buffer.concat(this.chunks.stdout);
  }

  get out(): string {
    return this.bytes.toString();
  }

  get err(): string {
    return Buffer.concat(this.chunks.stderr).toString();
  }

  /** Resolves when `stdout` contains `text`, and drops everything up to its end. */
  async sees(text: string): Promise<void> {
    for (;;) {
      const at = this.out.indexOf(text);
      if (at >= 0) {
        this.chunks.stdout = [Buffer.from(this.out.slice(at + text.length))];
        return;
      }
      await soon<void>(
        (resolve) => {
          this.wake = resolve;
        },
        `${JSON.stringify(text)} in the output`,
        { seen: () => this.out },
      );
    }
  }

  resizeTo(size: TerminalSize): void {
    this.sizes.push(size);
    this.wakeResize();
  }

  private wakeResize: () => void = () => undefined;

  /** The resize stream of the contract. */
  async *resizes(): AsyncGenerator<TerminalSize> {
    while (!this.signal.aborted) {
      const size = this.sizes.shift();
      if (size !== undefined) yield size;
      else {
        await new Promise<void>((resolve) => {
          this.wakeResize = resolve;
        });
      }
    }
  }
}

export interface Ran {
  readonly result: RemoteCommandResult;
  readonly out: string;
  readonly err: string;
  readonly bytes: Buffer;
}

/** Runs a command to its end without a terminal. */
export async function run(
  runtime: SandboxRuntime,
  command: readonly string[],
  stdin?: Uint8Array | string,
): Promise<Ran> {
  const client = new Client();
  if (stdin !== undefined) client.stdin.end(stdin);
  const { stdout, stderr, signal } = client;
  const streams = { stdout, stderr, signal, ...(stdin === undefined ? {} : { stdin: client.stdin }) };
  const result = await runtime.exec({ ...main, command, tty: false }, streams);
  await settled();
  return { result, out: client.out, err: client.err, bytes: client.bytes };
}

export const sh = (runtime: SandboxRuntime, script: string, stdin?: Uint8Array | string): Promise<Ran> =>
  run(runtime, ['sh', '-c', script], stdin);

/** Starts an interactive command with a terminal. */
export function interact(
  runtime: SandboxRuntime,
  command: readonly string[],
): { client: Client; done: Promise<RemoteCommandResult> } {
  const client = new Client();
  const { stdin, stdout, signal } = client;
  const done = runtime.exec(
    { ...main, command, tty: true },
    { stdin, stdout, signal, resize: client.resizes() },
  );
  return { client, done };
}

/** Waits until everything that is ready has happened. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}

export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const chunk of each(chunks, 'part')) parts.push(chunk);
  return Buffer.concat(parts).toString();
}

/** Bytes in which every offset has different neighbours. */
export function noise(sizeBytes: number): Buffer {
  const bytes = Buffer.allocUnsafe(sizeBytes);
  let state = 1;
  for (let at = 0; at < sizeBytes; at++) {
    state = Math.imul(state, 1_103_515_245) + 12_345;
    bytes[at] = (state >>> 16) & 0xff;
  }
  return bytes;
}

/** Reads a connection to its end without closing the other direction, as iterating over it would. */
export async function readToEnd(connection: Duplex): Promise<Buffer> {
  const parts: Buffer[] = [];
  connection.on('data', (part: Buffer) => parts.push(part));
  await once(connection, 'end');
  return Buffer.concat(parts);
}
