import { readdir, readFile } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import {
  type ProcessRuntime,
  type ProcessRuntimeOptions,
  startProcessRuntime,
} from '../../../src/containers/process/process-runtime.js';
import { ignoreEvents } from '../../../src/core/events.js';
import { createRandom } from '../../../src/core/random.js';
import type { Container, Pod } from '../../../src/kube/pod-objects.js';
import type { RemoteCommandResult, RemoteCommandStreams, TerminalSize } from '../../../src/streams/types.js';
import { clock, TextSink } from './bench.js';
import { pod as template } from './scripted-runtime.js';

export const ref = { namespace: 'default', pod: 'web-0', container: 'main' };

/** A pod of one container, or of the given ones. */
export function podOf(main: Partial<Container>, spec: Partial<Pod['spec']> = {}): Pod {
  const container = { name: 'main', image: 'any', ...main };
  return {
    ...template,
    spec: { nodeName: 'node-1', containers: [container], ...spec },
    status: { ...template.status, startTime: '', containerStatuses: [] },
  };
}

export function startProcesses(
  pod: Pod,
  options: Partial<ProcessRuntimeOptions> = {},
): Promise<ProcessRuntime> {
  const common = { nodeName: 'node-1', clock, random: createRandom(1), emit: ignoreEvents };
  return startProcessRuntime({ ...common, pods: [pod], ...options });
}

export interface RunOptions {
  readonly stdin?: NodeJS.ReadableStream;
  readonly tty?: boolean;
  readonly resize?: AsyncIterable<TerminalSize>;
  readonly signal?: AbortSignal;
}

export interface Ran {
  readonly result: RemoteCommandResult;
  readonly out: string;
  readonly err: string;
}

/** Runs a command in the main container and collects its output. */
export async function run(
  runtime: ProcessRuntime,
  command: readonly string[],
  { stdin, tty = false, resize, signal = new AbortController().signal }: RunOptions = {},
): Promise<Ran> {
  const [stdout, stderr] = [new TextSink(), new TextSink()];
  const input = stdin === undefined ? undefined : stdin.pipe(new PassThrough());
  const streams: RemoteCommandStreams = {
    ...(input === undefined ? {} : { stdin: input }),
    stdout,
    ...(tty ? {} : { stderr }),
    ...(resize === undefined ? {} : { resize }),
    signal,
  };
  const result = await runtime.exec({ ...ref, command, tty }, streams);
  return { result, out: stdout.text, err: stderr.text };
}

export const sh = (script: string): readonly string[] => ['sh', '-c', script];

/** Processes of the host, zombies included, whose command line holds a text. */
export async function processesWith(text: string): Promise<readonly number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(
    pids.map(async (pid) => {
      const line = await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '');
      return line.includes(text) ? [pid] : [];
    }),
  );
  return found.flat();
}

/** Children of this process, zombies included. */
export async function ownChildren(): Promise<readonly number[]> {
  const tasks = await readdir('/proc/self/task');
  const lines = await Promise.all(
    tasks.map((task) => readFile(`/proc/self/task/${task}/children`, 'utf8').catch(() => '')),
  );
  return lines.flatMap((line) => line.split(' ').filter((word) => word !== '')).map(Number);
}
