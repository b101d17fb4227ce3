import { createContext, Script } from 'node:vm';
import { TooCostly } from './cost.js';

/** The remaining time for all evaluations of one request. */
export interface CelBudget {
  remainingMs: number;
}

/** kube-apiserver's cost budget for match conditions is meant to be about a quarter of a second. */
export function createCelBudget(): CelBudget {
  return { remainingMs: 250 };
}

/** The evaluations of a request have used up its time. */
export class OutOfBudget extends Error {
  override readonly name = 'OutOfBudget';

  constructor() {
    super('validation failed due to running out of cost budget, no further validation rules will be run');
  }
}

/**
 * Returns a function that runs another one and throws when that takes longer than the remaining budget, even if it
 * never returns by itself; OutOfBudget when the budget was used up before. The library does not count cost, so one
 * endless expression would block the whole server.
 */
export function createTimeLimit(): <Result>(budget: CelBudget, run: () => Result) => Result {
  const slot: { run: () => unknown } = { run: () => undefined };
  const context = createContext({ run: () => slot.run() });
  const script = new Script('run()');
  return <Result>(budget: CelBudget, run: () => Result): Result => {
    if (budget.remainingMs <= 0) throw new OutOfBudget();
    slot.run = run;
    const startedAt = performance.now();
    try {
      return script.runInContext(context, { timeout: Math.ceil(budget.remainingMs) }) as Result;
    } catch (caught) {
      if ((caught as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw caught;
      throw new TooCostly({ cause: caught });
    } finally {
      budget.remainingMs -= performance.now() - startedAt;
      slot.run = () => undefined;
    }
  };
}
