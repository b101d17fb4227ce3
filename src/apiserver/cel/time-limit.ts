import { createContext, Script } from 'node:vm';
import { TooCostly } from './cost.js';

/** What is left of the time that all evaluations for one request may take. */
export interface CelBudget {
  remainingMs: number;
}

/** kube-apiserver's cost budget for match conditions is meant for about a quarter of a second. */
export function createCelBudget(): CelBudget {
  return { remainingMs: 250 };
}

/** A request whose evaluations have taken all the time that they may take. */
export class OutOfBudget extends Error {
  override readonly name = 'OutOfBudget';

  constructor() {
    super('validation failed due to running out of cost budget, no further validation rules will be run');
  }
}

/**
 * Gives back a function that runs another one and throws when it takes longer than the budget has left, even if it never
 * comes back by itself; OutOfBudget when nothing was left before. The library counts no cost of evaluation, and one
 * endless expression would stop the whole server.
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
