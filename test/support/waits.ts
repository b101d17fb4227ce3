import { once as onceOf } from 'node:events';

/**
 * How long a test waits for one thing, ms. It is less than the time of a test and of a hook, so that it is the wait that
 * fails and says what is missing; and it is much more than the thing takes, as a busy machine runs one part for seconds
 * and the others not at all.
 */
export const waitMs = 30_000;

/** How long a test waits for the end of something long, ms: a program's run, or many bytes. Less than the time of a test. */
export const runMs = 75_000;

export interface WaitLimits {
  /** Default `waitMs`. */
  readonly withinMs?: number;
  /** What there was instead, for the error. */
  readonly seen?: () => unknown;
}

export interface EventWait extends WaitLimits {
  readonly signal?: AbortSignal;
}

/** The promise's end; rejects when there is none in time. `what` names it: `the end of the stream`. */
export function within<T>(promise: Promise<T>, what: string, limits: WaitLimits = {}): Promise<T> {
  return soon((resolve, reject) => void promise.then(resolve, reject), what, limits);
}

/** As `new Promise(begin)`, and rejects when nothing has settled it in time. */
export function soon<T = unknown>(
  begin: (resolve: (value: T) => void, reject: (error: unknown) => void) => void,
  what: string,
  { withinMs = waitMs, seen }: WaitLimits = {},
): Promise<T> {
  const asked = new Error('asked here');
  const settled = new Promise<T>((resolve, reject) => {
    const late = (): void => {
      // A test that is over does not wait any more, which is no failure of the one that runs now.
      settled.catch(() => undefined);
      reject(lateError(`no ${what} within ${withinMs} ms${instead(seen)}`, asked));
    };
    // Nothing lives on for it.
    const timer = setTimeout(late, withinMs).unref();
    const settling =
      <A>(settle: (how: A) => void) =>
      (how: A): void => {
        clearTimeout(timer);
        settle(how);
      };
    begin(settling(resolve), settling(reject));
  });
  return settled;
}

/** As `once` of node:events, and rejects when the event does not come in time. */
export function once(
  emitter: NodeJS.EventEmitter | EventTarget,
  event: string,
  { signal, withinMs = waitMs, seen = () => stateOf(emitter) }: EventWait = {},
): ReturnType<typeof onceOf> {
  const over = new AbortController();
  const signals = signal === undefined ? [over.signal] : [over.signal, signal];
  const come = onceOf(emitter as NodeJS.EventEmitter, event, { signal: AbortSignal.any(signals) });
  const found = within(come, `'${event}' of ${emitter.constructor.name}`, { withinMs, seen });
  // A test that failed may have given it up: that is no failure of another one.
  found.catch(() => over.abort());
  return found;
}

/** What `work` gives once it does not throw; rejects with its last error when time is up. */
export async function eventually<T>(
  work: () => T | Promise<T>,
  { withinMs = waitMs, intervalMs = 10 }: { readonly withinMs?: number; readonly intervalMs?: number } = {},
): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, intervalMs));
    }
  }
}

/** Resolves once `ready` holds, which every turn of the event loop may bring about. */
export async function until(
  ready: () => boolean,
  { withinMs = waitMs, seen }: WaitLimits = {},
): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!ready()) {
    if (performance.now() > deadline) {
      throw new Error(`not so within ${withinMs} ms: ${String(ready)}${instead(seen)}`);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The parts of a stream, each of which has to come in time. */
export async function* each<T>(
  parts: AsyncIterable<T>,
  what: string,
  limits?: WaitLimits,
): AsyncGenerator<T> {
  const iterator = parts[Symbol.asyncIterator]();
  let count = 0;
  const seen = (): unknown => limits?.seen?.() ?? `${count} parts`;
  let over = false;
  try {
    for (;;) {
      const next = await within(iterator.next(), what, { ...limits, seen }).catch((error: unknown) => {
        over = true;
        throw error;
      });
      over = next.done === true;
      if (next.done === true) return;
      count += 1;
      yield next.value;
    }
  } finally {
    // One that has failed, or does not answer, would not answer to this either.
    if (!over) await iterator.return?.();
  }
}

/** It points at the one who waits: a timer has no callers. */
function lateError(message: string, asked: Error): Error {
  const error = new Error(message);
  error.stack = `Error: ${message}\n${asked.stack?.split('\n').slice(1).join('\n')}`;
  return error;
}

function instead(seen: WaitLimits['seen']): string {
  if (seen === undefined) return '';
  const what = seen();
  const text = typeof what === 'string' ? what : JSON.stringify(what);
  return `; there was ${text.length > 4000 ? `… ${text.slice(-4000)}` : text}`;
}

const telling = [
  ...['pid', 'exitCode', 'signalCode', 'listening', 'connecting', 'readyState', 'aborted'],
  ...['bytesRead', 'bytesWritten', 'readableLength', 'readableEnded', 'writableLength', 'writableFinished'],
  ...['closed', 'destroyed', 'errored', 'statusCode'],
];

/** What an emitter says of itself. */
function stateOf(emitter: object): Record<string, unknown> {
  const values = telling
    .map((name) => [name, (emitter as Record<string, unknown>)[name]] as const)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => [name, value instanceof Error ? value.message : value] as const);
  return Object.fromEntries(values);
}
