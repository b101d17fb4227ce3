import { setMaxListeners } from 'node:events';
import { posix } from 'node:path';
import type { Duplex } from 'node:stream';
import type { Clock } from '../core/clock.js';
import { pause } from '../core/pause.js';
import { createRandom, type Random } from '../core/random.js';
import type { Container, Pod } from '../kube/pod-objects.js';
import type { RemoteCommandResult } from '../streams/types.js';
import type { Machine } from './commands/command.js';
import { hostnameOf } from './hostname.js';
import { createDuplexPair } from './io/duplex-pair.js';
import { LogStore } from './logs/log-store.js';
import type { Program } from './programs/program.js';
import type { ContainerUsage, Termination } from './runtime.js';
import type { ExecOptions } from './shell/exec.js';
import type { LookupFailure } from './shell/exec-error.js';
import { terminationMessage } from './termination-message.js';
import { type ContainerPlace, ContainerShell } from './threads/container-shell.js';

/** What all containers of a sandbox share. */
export interface SandboxTime {
  readonly clock: Clock;
  /** Wall time in epoch milliseconds. */
  readonly now: () => number;
}

export interface ContainerRunOptions {
  readonly id: string;
  readonly pod: Pod;
  readonly container: Container;
  readonly program: Program;
  readonly time: SandboxTime;
  readonly random: Random;
  readonly logLimitBytes: number | undefined;
  /** Called when its files and commands are lost before its end. */
  readonly lost: (termination: Termination) => void;
}

/** A day: longer timers are split, because the host's timers have a maximum. */
const maxTimerMs = 86_400_000;

/** One run of a container, from start to end. A restart makes a new one, with a new file system and log. */
export class ContainerRun {
  readonly id: string;
  readonly startedAtMs: number;
  readonly logs: LogStore;
  wasAttached = false;
  /** After the end: resolves when its commands have released everything. */
  gone: Promise<void> = Promise.resolve();
  private readonly options: ContainerRunOptions;
  private readonly ending = new AbortController();
  private readonly listeners = new Map<number, (connection: Duplex) => void>();
  private readonly connections = new Set<Duplex>();
  private readonly machine: Machine;
  private readonly commands = new Set<object>();
  private readonly shell: ContainerShell;

  constructor(options: ContainerRunOptions) {
    const { time, random, pod } = options;
    this.options = options;
    setMaxListeners(0, this.signal);
    this.id = options.id;
    this.startedAtMs = time.now();
    const limit = options.logLimitBytes;
    this.logs = new LogStore({ now: time.now, ...(limit === undefined ? {} : { limitBytes: limit }) });
    const seed = random.below(2 ** 32);
    const noise = createRandom(seed);
    this.machine = {
      hostname: hostnameOf(pod),
      now: time.now,
      sleep: (delayMs, signal) => sleep(time.clock, delayMs, signal),
      randomByte: () => noise.below(256),
    };
    this.shell = new ContainerShell({
      id: this.id,
      seed,
      machine: this.machine,
      hostname: this.machine.hostname,
      address: pod.status.podIP,
      folder: this.folder,
      lost: ({ outOfMemory }) =>
        options.lost(outOfMemory ? { exitCode: 137, reason: 'OOMKilled' } : { exitCode: 137 }),
    });
    options.program.start({
      pod,
      container: options.container,
      env: this.environment(false),
      clock: time.clock,
      now: time.now,
      log: (stream, output) => this.logs.append(stream, output),
      listen: (port, accept) => void this.listeners.set(port, accept),
      signal: this.signal,
    });
  }

  /** Where its commands start. */
  private get folder(): string {
    return posix.resolve('/', this.options.container.workingDir ?? '');
  }

  get ageMs(): number {
    return this.options.time.now() - this.startedAtMs;
  }

  /** Aborts when the run is over. */
  get signal(): AbortSignal {
    return this.ending.signal;
  }

  listensOn(port: number): boolean {
    return this.listeners.has(port);
  }

  /** Connects to a port that a program of the container listens on. */
  connect(port: number): Duplex {
    const [near, far] = createDuplexPair();
    this.listeners.get(port)?.(far);
    this.keep(near);
    this.keep(far);
    return near;
  }

  place(tty: boolean): ContainerPlace {
    return {
      env: this.environment(tty),
      machine: this.machine,
      cwd: this.folder,
      signal: this.signal,
    };
  }

  execute(options: ExecOptions, place = this.place(options.tty)): Promise<RemoteCommandResult> {
    return this.during(this.shell.execute(place, options));
  }

  /** Why its main process cannot be started; undefined when it can. */
  lookUp(name: string): Promise<LookupFailure | undefined> {
    return this.shell.lookUp(name, this.place(false));
  }

  /** The content of a file of the container; undefined when there is no such file. */
  readFile(path: string): Promise<Uint8Array | undefined> {
    return this.shell.readFile(path);
  }

  /** What the container says about its own end. */
  terminationMessage(exitCode: number): Promise<string | undefined> {
    const readFile = async (path: string): Promise<Uint8Array | undefined> =>
      this.shell.hasFiles ? this.shell.readFile(path) : undefined;
    return terminationMessage(this.options.container, exitCode, { logs: this.logs, readFile });
  }

  /** Counts a command as a process of the container until it has ended. */
  async during<T>(command: Promise<T>): Promise<T> {
    this.commands.add(command);
    try {
      return await command;
    } finally {
      this.commands.delete(command);
    }
  }

  /** What it uses now: memory is that of files and log; processor time cannot be measured separately. */
  async usage(): Promise<Omit<ContainerUsage, 'restartCount'>> {
    const { id, startedAtMs, logs } = this;
    const files = await this.shell.countFiles();
    const processes = 1 + this.commands.size;
    const { name, image } = this.options.container;
    return {
      name,
      image,
      id,
      startedAtMs,
      processes,
      threads: processes,
      files,
      memoryBytes: files.usedBytes + logs.usedBytes,
      log: { usedBytes: logs.usedBytes, writtenBytes: logs.writtenBytes },
    };
  }

  /** Ends the program, its connections and all commands, and the log. */
  end(): void {
    this.ending.abort();
    this.gone = this.shell.end();
    this.logs.close();
    this.listeners.clear();
    for (const connection of this.connections) connection.destroy();
  }

  private keep(connection: Duplex): void {
    this.connections.add(connection);
    connection.once('close', () => this.connections.delete(connection));
  }

  private environment(tty: boolean): Record<string, string> {
    const { pod, container } = this.options;
    return {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      HOSTNAME: hostnameOf(pod),
      ...(tty ? { TERM: 'xterm' } : {}),
      HOME: '/root',
      ...Object.fromEntries((container.env ?? []).map(({ name, value = '' }) => [name, value])),
    };
  }
}

/** 64 hexadecimal digits, the form of container IDs. */
export function hexId(random: Random): string {
  let id = '';
  while (id.length < 64)
    id += random
      .below(2 ** 32)
      .toString(16)
      .padStart(8, '0');
  return id;
}

async function sleep(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  for (let leftMs = delayMs; leftMs > 0 && !signal.aborted; leftMs -= maxTimerMs) {
    await pause(clock, Math.min(leftMs, maxTimerMs), signal);
  }
}
