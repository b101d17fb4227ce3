/**
 * The name of an event as client-go makes it, with its time in nanoseconds: `kubectl describe` shows events of one second
 * in the order of their names. `number` tells events of one millisecond apart.
 */
export function eventName(object: string, atMs: number, number: number): string {
  const nanoseconds = BigInt(Math.trunc(atMs)) * 1_000_000n + BigInt(number % 1_000_000);
  return `${object}.${nanoseconds.toString(16)}`;
}
