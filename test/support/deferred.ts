import { soon } from './waits.js';

/** A promise that is settled from outside, within the time that a test waits for one thing. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(error: Error): void;
}

export function deferred<T = void>(what = 'end of what was begun'): Deferred<T> {
  let settle: Pick<Deferred<T>, 'resolve' | 'reject'> | undefined;
  const promise = soon<T>((resolve, reject) => {
    settle = { resolve, reject };
  }, what);
  return { promise, resolve: (value) => settle?.resolve(value), reject: (error) => settle?.reject(error) };
}
