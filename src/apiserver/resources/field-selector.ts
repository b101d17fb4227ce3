import { type Predicate, textAt } from './api-object.js';
import type { Resource } from './resource.js';

export type FieldSelectorResult =
  | { readonly kind: 'ok'; readonly matches: Predicate }
  | { readonly kind: 'malformed'; readonly message: string }
  | { readonly kind: 'unsupported'; readonly message: string };

const commonFields = { 'metadata.name': '', 'metadata.namespace': '' };

/** Parses `spec.nodeName=x,status.phase!=Failed`. Backslash escapes `,`, `=` and itself in values. */
export function parseFieldSelector(text: string, resource: Resource): FieldSelectorResult {
  const fields = new Map(Object.entries({ ...commonFields, ...resource.selectableFields }));
  const tests: Predicate[] = [];
  for (const term of termsOf(text)) {
    if (typeof term === 'string') {
      return { kind: 'malformed', message: `invalid selector: '${term}'; can't understand '${term}'` };
    }
    const { field, negated, value } = term;
    const absent = fields.get(field);
    if (absent === undefined) {
      return { kind: 'unsupported', message: `field label not supported: ${field}` };
    }
    tests.push((object) => ((textAt(object, field) || absent) === value) !== negated);
  }
  return { kind: 'ok', matches: (object) => tests.every((test) => test(object)) };
}

/** The value that a field must have to be selected; undefined when several are possible, or the selector is invalid. */
export function requiredValue(text: string, field: string): string | undefined {
  let value: string | undefined;
  for (const term of termsOf(text)) {
    if (typeof term === 'string') return undefined;
    if (term.field === field && !term.negated) value ??= term.value;
  }
  return value;
}

interface Term {
  readonly field: string;
  readonly negated: boolean;
  readonly value: string;
}

/** The terms of a selector; an invalid term is returned as it is. */
function termsOf(text: string): readonly (Term | string)[] {
  const terms = text.split(/(?<!\\),/).filter((part) => part !== '');
  return terms.map((term) => {
    const parsed = /^([^=!]+)(!=|==?)(.*)$/s.exec(term);
    if (parsed === null) return term;
    const [, field = '', operator, raw = ''] = parsed;
    return { field, negated: operator === '!=', value: raw.replace(/\\([\\,=])/g, '$1') };
  });
}
