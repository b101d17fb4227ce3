import { createContext, Script } from 'node:vm';

/**
 * Gives back a function that runs another one and throws when it takes longer than `limitMs`, even if it never comes
 * back by itself. The library counts no cost of evaluation, and one endless expression would stop the whole server.
 */
export function createTimeLimit(limitMs: number): <Result>(run: () => Result) => Result {
  const slot: { run: () => unknown } = { run: () => undefined };
  const context = createContext({ run: () => slot.run() });
  const script = new Script('run()');
  return <Result>(run: () => Result): Result => {
    slot.run = run;
    try {
      return script.runInContext(context, { timeout: limitMs }) as Result;
    } catch (caught) {
      if ((caught as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw caught;
      throw new Error('operation cancelled: actual cost limit exceeded', { cause: caught });
    } finally {
      slot.run = () => undefined;
    }
  };
}
