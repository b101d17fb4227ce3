import { CelCost, TooCostly } from './cost.js';
import { createEnvironment } from './environment.js';
import { type CelFault, compilationText, evaluationText } from './fault-text.js';
import { holdsLongText, searchesForAny } from './slow-search.js';
import { type CelBudget, createTimeLimit, OutOfBudget } from './time-limit.js';

/** Throws an Error in the words of cel-go, and OutOfBudget when the budget is used up. */
export type Program = (variables: Readonly<Record<string, unknown>>, budget: CelBudget) => unknown;

export type Compiled =
  | { readonly kind: 'program'; readonly run: Program }
  /** `problem` is kube-apiserver's text about such an expression. */
  | { readonly kind: 'problem'; readonly problem: string };

export interface Cel {
  /** Checks types too: an expression that cannot be a bool is refused. */
  compile(expression: string): Compiled;
}

/** Loads the library only when it is needed, because loading takes as long as a whole command. */
export async function loadCel(): Promise<Cel> {
  const { Environment } = await import('@marcbachmann/cel-js');
  const cost = new CelCost();
  const environment = createEnvironment(Environment, cost);
  const functions = new Set(environment.getDefinitions().functions.map(({ name }) => name));
  const limited = createTimeLimit();
  const compile = (expression: string): Compiled => {
    const { error, type = 'dyn' } = environment.check(expression);
    if (error !== undefined)
      return problem(`compilation failed: ${compilationText(expression, error, functions)}`);
    if (type !== 'bool') return problem(`must evaluate to bool but got ${type}`);
    const program = environment.parse(expression);
    const searches = searchesForAny(program.ast);
    const run: Program = (variables, budget) => {
      if (searches && holdsLongText([variables['object'], variables['oldObject']])) throw new TooCostly();
      try {
        return limited(budget, () => cost.measure(() => program({ ...variables }) as unknown));
      } catch (caught) {
        if (caught instanceof OutOfBudget) throw caught;
        throw new Error(evaluationText(caught as CelFault), { cause: caught });
      }
    };
    return { kind: 'program', run };
  };
  return { compile: remembered(compile) };
}

/** The limit for characters of expressions whose programs are cached. */
const maxKnown = 1024 * 1024;

/** Each write evaluates the same expressions, and compiling takes longer than evaluating. */
function remembered(compile: Cel['compile']): Cel['compile'] {
  const known = new Map<string, Compiled>();
  let size = 0;
  return (expression) => {
    const found = known.get(expression);
    if (found !== undefined) return found;
    const compiled = compile(expression);
    if (size + expression.length > maxKnown) {
      known.clear();
      size = 0;
    }
    size += expression.length;
    known.set(expression, compiled);
    return compiled;
  };
}

function problem(text: string): Compiled {
  return { kind: 'problem', problem: text };
}
