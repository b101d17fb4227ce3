import type { MessagePort, Transferable, Worker } from 'node:worker_threads';

/** One end's methods, by name. Bytes in arguments and answers are transferred with their buffer. */
export type Methods<T> = { readonly [K in keyof T]: (...args: never[]) => unknown };
type Answer<F> = F extends (...args: never[]) => infer R ? Awaited<R> : never;
type Arguments<F> = F extends (...args: infer A) => unknown ? A : never;

type Message =
  | { readonly id: number; readonly call: string; readonly args: readonly unknown[] }
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: string };

interface Pending {
  resolve(value: unknown): void;
  reject(reason: Error): void;
}

/** Calls between two threads, in both directions, over one port. Calls do not wait for each other. */
export class Calls<Theirs extends Methods<Theirs>> {
  private readonly port: MessagePort | Worker;
  private readonly pending = new Map<number, Pending>();
  private lost: Error | undefined;
  private lastId = 0;

  constructor(port: MessagePort | Worker, mine: Methods<object>) {
    this.port = port;
    port.on('message', (message: Message) => {
      if ('call' in message) void this.answer(message.id, () => invoke(mine, message.call, message.args));
      else this.settle(message);
    });
  }

  /** Rejects with the error text of the method, or with the reason why the other end has ended. */
  call<K extends keyof Theirs & string>(name: K, ...args: Arguments<Theirs[K]>): Promise<Answer<Theirs[K]>> {
    if (this.lost !== undefined) return Promise.reject(this.lost);
    const id = ++this.lastId;
    return new Promise((resolve, reject) => {
      this.pending.set(id, { resolve: resolve as Pending['resolve'], reject });
      this.port.postMessage({ id, call: name, args } satisfies Message, buffersOf(args));
    });
  }

  /** The other end has ended: all calls reject, now and later. */
  fail(reason: Error): void {
    this.lost ??= reason;
    const all = [...this.pending.values()];
    this.pending.clear();
    for (const call of all) call.reject(this.lost);
  }

  private async answer(id: number, work: () => unknown): Promise<void> {
    try {
      const value = await work();
      this.port.postMessage({ id, value } satisfies Message, buffersOf([value]));
    } catch (error) {
      this.port.postMessage({ id, error: (error as Error).message } satisfies Message);
    }
  }

  private settle(message: Exclude<Message, { call: string }>): void {
    const waiting = this.pending.get(message.id);
    this.pending.delete(message.id);
    if ('error' in message) waiting?.reject(new Error(message.error));
    else waiting?.resolve(message.value);
  }
}

function invoke(methods: object, name: string, args: readonly unknown[]): unknown {
  return (methods as Record<string, (...args: readonly unknown[]) => unknown>)[name]?.(...args);
}

function buffersOf(values: readonly unknown[]): Transferable[] {
  return values.flatMap((value) => (value instanceof Uint8Array ? [value.buffer as ArrayBuffer] : []));
}

/** The same bytes in a new buffer, which a call may transfer. */
export function ownBytes(...chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
