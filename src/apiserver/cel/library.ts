import { createEnvironment } from './environment.js';
import { type CelFault, compilationText, evaluationText } from './fault-text.js';
import { createTimeLimit } from './time-limit.js';

/** Evaluates an expression with these variables. Throws an Error in the words of cel-go. */
export type Program = (variables: Readonly<Record<string, unknown>>) => unknown;

export type Compiled =
  | { readonly kind: 'program'; readonly run: Program }
  /** `problem` is what kube-apiserver says of such an expression. */
  | { readonly kind: 'problem'; readonly problem: string };

/** Common Expression Language, with the variables that match conditions of webhooks see. */
export interface Cel {
  /** Checks types too: an expression that cannot be a bool is refused. */
  compile(expression: string): Compiled;
}

/** kube-apiserver's cost budget for match conditions is meant for about a quarter of a second. */
const limitMs = 250;

/** Loads the library, which takes as long as many a command, and which few need. */
export async function loadCel(): Promise<Cel> {
  const { Environment } = await import('@marcbachmann/cel-js');
  const environment = createEnvironment(Environment);
  const functions = new Set(environment.getDefinitions().functions.map(({ name }) => name));
  const limited = createTimeLimit(limitMs);
  return {
    compile(expression) {
      const { error, type = 'dyn' } = environment.check(expression);
      if (error !== undefined)
        return problem(`compilation failed: ${compilationText(expression, error, functions)}`);
      if (type !== 'bool') return problem(`must evaluate to bool but got ${type}`);
      const program = environment.parse(expression);
      const run: Program = (variables) => {
        try {
          return limited(() => program({ ...variables }) as unknown);
        } catch (caught) {
          throw new Error(evaluationText(caught as CelFault), { cause: caught });
        }
      };
      return { kind: 'program', run };
    },
  };
}

function problem(text: string): Compiled {
  return { kind: 'problem', problem: text };
}
