import { type ChildProcess, fork, type Serializable, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A process of the bench. */
export interface Child {
  readonly pid: number;
  /** Rejects when the process ends. */
  readonly failed: Promise<never>;
  stop(): Promise<void>;
}

/** A process that runs a module of this folder and answers messages. */
export interface Worker<Request extends Serializable, Reply> extends Child {
  ask(request: Request): Promise<Reply>;
}

type Variables = Readonly<Record<string, string>>;
type Answer<Reply> = { readonly ok: Reply } | { readonly error: string };

/** All processes that a run has started; whatever happens, none outlives it. */
export class Children {
  private readonly running = new Set<ChildProcess>();

  constructor() {
    process.on('exit', () => this.kill());
  }

  /** Starts a program, with more variables; what it says is shown when it ends by itself. */
  program(name: string, file: string, args: readonly string[], more: Variables = {}): Child {
    const env = { ...process.env, ...more };
    const child = spawn(file, [...args], { stdio: ['ignore', 'ignore', 'pipe'], env });
    return this.watch(name, child);
  }

  /** Starts a module of this folder; resolves with its first message. */
  async worker<Request extends Serializable, Reply, Hello>(
    name: string,
    setup: Serializable,
    nodeFlags: readonly string[] = [],
  ): Promise<{ worker: Worker<Request, Reply>; hello: Hello }> {
    const file = fileURLToPath(new URL(`./${name}.ts`, import.meta.url));
    const execArgv = [...nodeFlags, '--import', 'tsx'];
    const child = fork(file, [], { execArgv, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    const known = this.watch(name, child);
    const next = async (message: Serializable): Promise<unknown> => {
      child.send(message);
      const [answer] = (await Promise.race([once(child, 'message'), known.failed])) as [Answer<unknown>];
      if ('error' in answer) throw new Error(`${name}: ${answer.error}`);
      return answer.ok;
    };
    const hello = (await next(setup)) as Hello;
    return { worker: { ...known, ask: (request) => next(request) as Promise<Reply> }, hello };
  }

  /** At once, without a word: for the end of the run. */
  kill(): void {
    for (const child of this.running) child.kill('SIGKILL');
  }

  private watch(name: string, child: ChildProcess): Child {
    this.running.add(child);
    let said = '';
    child.stderr?.on('data', (text: Buffer) => {
      said = (said + text.toString()).slice(-2000);
    });
    const failed = new Promise<never>((_resolve, reject) => {
      child.on('error', reject);
      child.once('exit', (code, signal) => {
        this.running.delete(child);
        reject(new Error(`${name} ended (${signal ?? code})\n${said}`));
      });
    });
    failed.catch(() => undefined);
    const stop = async (): Promise<void> => {
      if (!this.running.has(child)) return;
      child.kill('SIGKILL');
      await failed.catch(() => undefined);
    };
    return { pid: child.pid ?? 0, failed, stop };
  }
}
