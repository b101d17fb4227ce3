import { setMaxListeners } from 'node:events';
import { createRandom } from '../../core/random.js';
import type { RemoteCommandResult } from '../../streams/types.js';
import type { Machine } from '../commands/command.js';
import { execute, lookUp } from '../shell/exec.js';
import type { LookupFailure } from '../shell/exec-error.js';
import { createFileSystem, loadShellLibrary, unpackFileSystem } from '../shell/library.js';
import type { MemoryFiles } from '../shell/memory-files.js';
import type {
  FileCount,
  LookupPlace,
  ProcessMethods,
  ThreadCommand,
  ThreadContainerSetup,
} from './protocol.js';
import { type Calls, ownBytes } from './thread-calls.js';
import { openThreadStreams } from './thread-streams.js';

/** A container's files and commands, inside their thread. */
export class ThreadContainer {
  private readonly setup: ThreadContainerSetup;
  private readonly calls: Calls<ProcessMethods>;
  private readonly machine: Machine;
  private readonly ending = new AbortController();
  private readonly running = new Set<Promise<unknown>>();
  private fileSystem: Promise<MemoryFiles> | undefined;

  constructor(setup: ThreadContainerSetup, files: Uint8Array | undefined, calls: Calls<ProcessMethods>) {
    this.setup = setup;
    if (files !== undefined) this.fileSystem = Promise.resolve(unpackFileSystem(files));
    this.calls = calls;
    this.machine = threadMachine(setup, calls);
    setMaxListeners(0, this.ending.signal);
  }

  async execute(command: ThreadCommand, client: AbortSignal): Promise<RemoteCommandResult> {
    const { argv, tty, endsWithClient, isMain, env, cwd, execId } = command;
    const streams = openThreadStreams(command, this.calls, client);
    const { machine } = this;
    const place = { files: () => this.files(), env, cwd, machine, signal: this.ending.signal };
    const work = execute(place, { argv, tty, endsWithClient, isMain, streams, execId: () => execId });
    this.running.add(work);
    try {
      return await work;
    } finally {
      this.running.delete(work);
      streams.stdin?.destroy();
    }
  }

  lookUp(name: string, place: LookupPlace): Promise<LookupFailure | undefined> {
    return lookUp({ ...place, files: () => this.files() }, name);
  }

  async readFile(path: string): Promise<Uint8Array | undefined> {
    const files = await this.files();
    return (await files.exists(path)) ? ownBytes(await files.readFileBuffer(path)) : undefined;
  }

  async countFiles(): Promise<FileCount> {
    const files = await this.fileSystem;
    return { usedBytes: files?.usedBytes ?? 0, entries: files?.entries ?? 0 };
  }

  /** Its files, packed, unless a command runs; zero bytes when there are no files yet. */
  async park(): Promise<Uint8Array | undefined> {
    const files = await this.fileSystem;
    return this.running.size > 0 ? undefined : (files?.pack() ?? new Uint8Array(0));
  }

  /** Ends all commands; resolves when they have ended. */
  async end(): Promise<void> {
    this.ending.abort();
    await Promise.allSettled(this.running);
  }

  private files(): Promise<MemoryFiles> {
    this.fileSystem ??= this.createFiles();
    return this.fileSystem;
  }

  private async createFiles(): Promise<MemoryFiles> {
    const { hostname, address, folder } = this.setup;
    const files = createFileSystem(await loadShellLibrary(), { hostname, address });
    await files.mkdir(folder, { recursive: true });
    return files;
  }
}

/** How long a thread waits for the time. The main thread answers within a turn of its event loop. */
const timeLimitMs = 10_000;

function threadMachine(setup: ThreadContainerSetup, calls: Calls<ProcessMethods>): Machine {
  const { container, hostname, seed, clock } = setup;
  const noise = createRandom(seed);
  const flag = new Int32Array(clock, 0, 1);
  const time = new Float64Array(clock, 8, 1);
  let lastSleep = 0;
  return {
    hostname,
    randomByte: () => noise.below(256),
    now() {
      Atomics.store(flag, 0, 0);
      void calls.call('time', container).catch(() => undefined);
      Atomics.wait(flag, 0, 0, timeLimitMs);
      return time[0] ?? 0;
    },
    async sleep(delayMs, signal) {
      if (signal.aborted) return;
      const id = ++lastSleep;
      const wake = (): void => void calls.call('wake', container, id).catch(() => undefined);
      signal.addEventListener('abort', wake, { once: true });
      await calls.call('sleep', container, id, delayMs).catch(() => undefined);
      signal.removeEventListener('abort', wake);
    },
  };
}
