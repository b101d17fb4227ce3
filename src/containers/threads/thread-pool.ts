import { createRealClock, type Timer } from '../../core/clock.js';
import { ShellThread } from './shell-thread.js';

/** Above this number of threads, a new container shares the thread with the fewest containers. */
const maxThreads = 16;
/** How long a free thread is kept for the next container. */
const idleMs = 10_000;
/** How long an ending container may take to leave its thread, before the thread is ended too. */
const closeLimitMs = 500;

/** A thread needs 15 to 40 MiB and 100 ms, so it starts when a container first needs it, and is kept for a while. */
export class ThreadPool {
  private readonly threads = new Set<ShellThread>();
  private readonly clock = createRealClock();
  private idle: Timer | undefined;

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

  /** Ends a container by itself, or with its thread when it does not end in time. */
  async leave(thread: ShellThread, container: string): Promise<void> {
    if (!(await thread.close(container, closeLimitMs))) await this.end(thread);
    await this.tidy();
  }

  /** Takes the files of a container without a running command; undefined while a command runs. */
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

  async end(thread: ShellThread): Promise<void> {
    this.threads.delete(thread);
    await thread.end();
  }

  private async endFree(): Promise<void> {
    const free = [...this.threads].filter(({ containers }) => containers === 0);
    await Promise.all(free.map((each) => this.end(each)));
  }
}

/** Of the process, not of a lab: a thread without a container keeps nothing of the one before. */
export const processThreads = new ThreadPool();
