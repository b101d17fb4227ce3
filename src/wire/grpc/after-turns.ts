/** Calls `then` when the event loop has gone round this often: for what others do in their next turns, and tell nobody. */
export function afterTurns(turns: number, then: () => void): void {
  if (turns === 0) then();
  else setImmediate(() => afterTurns(turns - 1, then));
}
