import type { Environment } from '@marcbachmann/cel-js';
import { declareAuthorizer } from './authorizer.js';
import type { CelCost } from './cost.js';

const kind = { group: 'string', version: 'string', kind: 'string' };
const resource = { group: 'string', version: 'string', resource: 'string' };

/** An AdmissionRequest without the objects, which are separate variables. */
const requestSchema = {
  kind,
  resource,
  subResource: 'string',
  requestKind: kind,
  requestResource: resource,
  requestSubResource: 'string',
  name: 'string',
  namespace: 'string',
  operation: 'string',
  userInfo: { username: 'string', uid: 'string', groups: 'list<string>', extra: 'map<string, list<string>>' },
  dryRun: 'bool',
  options: 'dyn',
};

/**
 * The variables and functions of match conditions: those of CEL, of its strings extension, and of Kubernetes' libraries
 * for authorizers and regular expressions. Not supported are those for quantities, URLs, addresses and sets.
 */
export function createEnvironment(Constructor: typeof Environment, cost: CelCost): Environment {
  const environment = new Constructor({ enableOptionalTypes: true });
  declareAuthorizer(environment);
  declareText(environment, cost);
  return environment
    .registerVariable('object', 'dyn')
    .registerVariable('oldObject', 'dyn')
    .registerVariable('namespaceObject', 'dyn')
    .registerVariable({ name: 'request', schema: requestSchema });
}

function declareText(environment: Environment, cost: CelCost): void {
  environment
    .registerFunction('string.charAt(int): string', (text: string, index: bigint) => {
      if (index < 0 || index > text.length) throw new Error(`index out of range: ${index}`);
      return text.charAt(Number(index));
    })
    .registerFunction('string.replace(string, string): string', (text: string, from: string, to: string) => {
      cost.charge(text.length);
      cost.charge(text.length + countOf(text, from) * Math.max(0, to.length - from.length));
      return text.replaceAll(from, () => to);
    })
    .registerFunction('string.find(string): string', (text: string, pattern: string) => {
      cost.charge(text.length);
      return new RegExp(pattern, 'u').exec(text)?.[0] ?? '';
    })
    .registerFunction('string.findAll(string): list<string>', (text: string, pattern: string) => {
      cost.charge(2 * text.length);
      return Array.from(text.matchAll(new RegExp(pattern, 'gu')), ([found]) => found);
    });
}

/** How often `replace` finds a text. An empty text is found before each character and at the end. */
function countOf(text: string, wanted: string): number {
  if (wanted === '') return text.length + 1;
  let count = 0;
  for (let at = text.indexOf(wanted); at !== -1; at = text.indexOf(wanted, at + wanted.length)) count++;
  return count;
}
