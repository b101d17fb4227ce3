import { createRealClock, type Timer } from '../../core/clock.js';
import { ShellThread } from './shell-thread.js';

/** More containers than this, and new ones share the thread that has the fewest. */
const maxThreads = 16;
/** How long a thread without a container is kept for the next one. */
const idleMs = 10_000;
/** How long a container that ends has to let go of its thread, before the thread is ended with it. */
const closeLimitMs = 500;

/**
 * The threads of containers that have run a command. One thread costs some 15 to 40 MiB and 100 ms of work,
 * so it starts when a container first needs it, and one that has become free is kept for the next for a while.
 */
export class ThreadPool {
  private readonly threads = new Set<ShellThread>();
  private readonly clock = createRealClock();
  private idle: Timer | undefined;

  /** Threads that are there now. */
  get size(): number {
    return this.threads.size;
  }

  /** A thread for one more container. */
  take(): ShellThread {
    this.idle?.cancel();
    const [fewest] = [...this.threads].sort((a, b) => a.containers - b.containers);
    if (fewest !== undefined && (fewest.containers === 0 || this.threads.size >= maxThreads)) return fewest;
    const thread = new ShellThread(() => this.threads.delete(thread));
    this.threads.add(thread);
    return thread;
  }

  /** Ends a container: by its own means, or with its thread when it does not let go. */
  async leave(thread: ShellThread, container: string): Promise<void> {
    if (!(await thread.close(container, closeLimitMs))) await this.end(thread);
    await this.tidy();
  }

  /** Takes the files of a container that runs nothing; undefined when it does run something. */
  async park(thread: ShellThread, container: string): Promise<Uint8Array | undefined> {
    const files = await thread.park(container);
    await this.tidy();
    return files;
  }

  /** Keeps one free thread, for a while. */
  private async tidy(): Promise<void> {
    const free = [...this.threads].filter(({ containers }) => containers === 0);
    await Promise.all(free.slice(1).map((each) => this.end(each)));
    this.idle?.cancel();
    this.idle = this.clock.after(idleMs, () => void this.endFree(), true);
  }

  /** Ends a thread with all its containers. */
  async end(thread: ShellThread): Promise<void> {
    this.threads.delete(thread);
    await thread.end();
  }

  private async endFree(): Promise<void> {
    const free = [...this.threads].filter(({ containers }) => containers === 0);
    await Promise.all(free.map((each) => this.end(each)));
  }
}

/**
 * The threads of this process. They belong to it as its modules do, not to a lab: a thread without a container holds
 * nothing of the one before.
 */
export const processThreads = new ThreadPool();
