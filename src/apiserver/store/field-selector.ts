import { textAt } from '../resources/api-object.js';
import type { Resource } from '../resources/resource.js';
import type { Predicate } from './label-selector.js';

export type FieldSelectorResult =
  | { readonly kind: 'ok'; readonly matches: Predicate }
  | { readonly kind: 'malformed'; readonly message: string }
  | { readonly kind: 'unsupported'; readonly message: string };

const commonFields = { 'metadata.name': '', 'metadata.namespace': '' };

/** Parses `spec.nodeName=x,status.phase!=Failed`. Backslash escapes `,`, `=` and itself in values. */
export function parseFieldSelector(text: string, resource: Resource): FieldSelectorResult {
  const fields = new Map(Object.entries({ ...commonFields, ...resource.selectableFields }));
  const tests: Predicate[] = [];
  for (const term of text.split(/(?<!\\),/).filter((part) => part !== '')) {
    const parsed = /^([^=!]+)(!=|==?)(.*)$/s.exec(term);
    if (parsed === null) {
      return { kind: 'malformed', message: `invalid selector: '${term}'; can't understand '${term}'` };
    }
    const [, field = '', operator, raw = ''] = parsed;
    const absent = fields.get(field);
    if (absent === undefined) {
      return { kind: 'unsupported', message: `field label not supported: ${field}` };
    }
    const value = raw.replace(/\\([\\,=])/g, '$1');
    const negated = operator === '!=';
    tests.push((object) => ((textAt(object, field) || absent) === value) !== negated);
  }
  return { kind: 'ok', matches: (object) => tests.every((test) => test(object)) };
}
