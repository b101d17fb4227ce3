import { Worker } from 'node:worker_threads';
import type { Machine } from '../commands/command.js';
import type { ExecRelay } from './exec-relay.js';
import type { ProcessMethods, ThreadContainerSetup, ThreadMethods } from './protocol.js';
import { Calls } from './thread-calls.js';

/** The heap limit of one thread. Files are not in the heap; they have their own limit. */
const heapLimitMb = 512;

/** Why a thread has ended: it did not answer, or it used up its memory. */
export class ThreadLost extends Error {
  override readonly name = 'ThreadLost';
  readonly outOfMemory: boolean;

  constructor(cause?: unknown) {
    super('the thread of the container has ended', { cause });
    this.outOfMemory = (cause as { code?: unknown } | undefined)?.code === 'ERR_WORKER_OUT_OF_MEMORY';
  }
}

interface Guest {
  readonly machine: Machine;
  readonly clock: SharedArrayBuffer;
  readonly sleeps: Map<number, AbortController>;
  readonly lost: (reason: ThreadLost) => void;
}

export interface GuestOptions extends Omit<ThreadContainerSetup, 'clock'> {
  readonly machine: Machine;
  /** Called when the thread, with the container's files and commands, is lost. */
  readonly lost: (reason: ThreadLost) => void;
}

/** A thread with containers' files and commands, so that no command can block the main thread. */
export class ShellThread {
  readonly calls: Calls<ThreadMethods>;
  private readonly worker: Worker;
  private readonly guests = new Map<string, Guest>();
  private readonly relays = new Map<number, ExecRelay>();
  private lastExec = 0;
  private gone = false;

  /** `onGone` is called once, when the thread has ended for any reason. */
  constructor(onGone: () => void) {
    this.worker = startWorker();
    this.calls = new Calls<ThreadMethods>(this.worker, this.methods());
    const lose = (cause?: unknown): void => {
      if (this.gone) return;
      this.gone = true;
      const reason = new ThreadLost(cause);
      const guests = [...this.guests.values()];
      this.guests.clear();
      onGone();
      for (const guest of guests) guest.lost(reason);
      this.calls.fail(reason);
    };
    this.worker.on('error', lose);
    this.worker.on('exit', () => lose());
    this.worker.unref();
  }

  get containers(): number {
    return this.guests.size;
  }

  /** Adds a container, with the files that it had before. */
  async open({ machine, lost, ...setup }: GuestOptions, files: Uint8Array | undefined): Promise<void> {
    const clock = new SharedArrayBuffer(16);
    this.guests.set(setup.container, { machine, clock, sleeps: new Map(), lost });
    this.worker.ref();
    try {
      await this.calls.call('open', { ...setup, clock }, files);
    } finally {
      if (this.relays.size === 0) this.worker.unref();
    }
  }

  /** Removes a container without a running command and returns its files; undefined while a command runs. */
  async park(container: string): Promise<Uint8Array | undefined> {
    const files = await this.calls.call('park', container);
    if (files !== undefined) this.guests.delete(container);
    return files;
  }

  /** Ends a container's commands. Resolves with whether all of them have ended in time. */
  async close(container: string, withinMs: number): Promise<boolean> {
    const guest = this.guests.get(container);
    if (guest === undefined) return true;
    const closed = await within(this.calls.call('close', container), withinMs);
    this.guests.delete(container);
    for (const sleep of guest.sleeps.values()) sleep.abort();
    return closed;
  }

  /** Whether the thread answers within this time, so nothing blocks it. */
  answers(withinMs: number): Promise<boolean> {
    return within(this.calls.call('ping'), withinMs);
  }

  /** Registers a command; its number names it in calls. */
  enter(relay: ExecRelay): number {
    const exec = ++this.lastExec;
    this.relays.set(exec, relay);
    if (this.relays.size === 1) this.worker.ref();
    return exec;
  }

  leave(exec: number): void {
    this.relays.delete(exec);
    if (this.relays.size === 0) this.worker.unref();
  }

  /** Ends the thread at once, whatever it does. */
  async end(): Promise<void> {
    await this.worker.terminate();
  }

  private methods(): ProcessMethods {
    const find = (container: string): Guest | undefined => this.guests.get(container);
    return {
      read: async (exec) => this.relays.get(exec)?.read(),
      write: async (exec, stream, bytes) => this.relays.get(exec)?.write(stream, bytes),
      resize: async (exec) => this.relays.get(exec)?.resize(),
      async sleep(container, id, delayMs) {
        const guest = find(container);
        const waking = new AbortController();
        guest?.sleeps.set(id, waking);
        await guest?.machine.sleep(delayMs, waking.signal);
        guest?.sleeps.delete(id);
      },
      wake: (container, id) => find(container)?.sleeps.get(id)?.abort(),
      time(container) {
        const guest = find(container);
        if (guest === undefined) return;
        const flag = new Int32Array(guest.clock, 0, 1);
        new Float64Array(guest.clock, 8, 1)[0] = guest.machine.now();
        Atomics.store(flag, 0, 1);
        Atomics.notify(flag, 0);
      },
    };
  }
}

/** Without a build, as in tests, the thread needs an entry file that loads TypeScript. */
const entry = import.meta.url.endsWith('.ts')
  ? '../../../scripts/thread-from-source.mjs'
  : './thread-main.js';

function startWorker(): Worker {
  return new Worker(new URL(entry, import.meta.url), {
    name: 'konnsim containers',
    execArgv: [],
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: heapLimitMb },
  });
}

/** Whether `work` has succeeded in time. Real time: a busy machine delays a thread, the lab's clock does not. */
export async function within(work: Promise<unknown>, limitMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), limitMs);
  });
  const done = work.then(
    () => true,
    () => false,
  );
  const result = await Promise.race([done, late]);
  clearTimeout(timer);
  return result;
}
