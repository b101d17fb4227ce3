/** Calls `then` after this many turns of the event loop. It waits for work of libraries that reports no end. */
export function afterTurns(turns: number, then: () => void): void {
  if (turns === 0) then();
  else setImmediate(() => afterTurns(turns - 1, then));
}
