/** The library's error for an expression that does not compile, or that fails. */
export interface CelFault extends Error {
  readonly code?: string;
  /** The message without the source. */
  readonly summary?: string;
  readonly range?: { readonly start: number };
}

const text = (fault: CelFault): string => fault.summary ?? fault.message;

const evaluating: Readonly<Record<string, (fault: CelFault) => string>> = {
  index_out_of_bounds: (fault) => `index out of bounds: ${/index (\d+)/.exec(text(fault))?.[1] ?? ''}`,
  no_matching_overload: () => 'no such overload',
  no_such_overload: () => 'no such overload',
};

/** The text of a failed evaluation, in cel-go's words as far as the library's text allows. */
export function evaluationText(fault: CelFault): string {
  return evaluating[fault.code ?? '']?.(fault) ?? lowerFirst(text(fault));
}

const compiling: Readonly<Record<string, (summary: string, functions: ReadonlySet<string>) => string>> = {
  no_matching_overload: functionText,
  no_such_key: (summary) => summary.replace(/^No such key: (.*)$/, "undefined field '$1'"),
  no_such_overload: operatorText,
  unexpected_token: (summary) => `Syntax error: ${lowerFirst(summary)}`,
  unknown_variable: (summary) => undeclared(summary.replace('Unknown variable: ', '')),
};

/** With the position in the source, as cel-go shows it. `functions` are all known functions. */
export function compilationText(source: string, fault: CelFault, functions: ReadonlySet<string>): string {
  const before = source.slice(0, fault.range?.start ?? 0).split('\n');
  const column = before.at(-1)?.length ?? 0;
  const line = source.split('\n')[before.length - 1] ?? '';
  const what = compiling[fault.code ?? '']?.(text(fault), functions) ?? lowerFirst(text(fault));
  return `ERROR: <input>:${before.length}:${column + 1}: ${what}\n | ${line}\n | ${'.'.repeat(column)}^`;
}

function undeclared(name: string): string {
  return `undeclared reference to '${name}' (in container '')`;
}

/** For `found no matching overload for 'string.startsWith(int)'`, with the types of receiver and arguments. */
function functionText(summary: string, functions: ReadonlySet<string>): string {
  const [, receiver = '', name = '', given = ''] = /'(?:(.+)\.)?(\w+)\((.*)\)'$/.exec(summary) ?? [];
  if (!functions.has(name)) return undeclared(name);
  const applied = receiver === '' ? `(${given})` : `${receiver}.(${given})`;
  return `found no matching overload for '${name}' applied to '${applied}'`;
}

/** For `no such overload: string < int`. */
function operatorText(summary: string): string {
  const [, left = '', operator = '', right = ''] = /: (.+) (\S+) (.+)$/.exec(summary) ?? [];
  if (operator === '') return lowerFirst(summary);
  const name = operator === 'in' ? '@in' : `_${operator}_`;
  return `found no matching overload for '${name}' applied to '(${left}, ${right})'`;
}

function lowerFirst(words: string): string {
  return words.charAt(0).toLowerCase() + words.slice(1);
}
