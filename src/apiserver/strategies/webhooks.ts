import {
  duplicate,
  type FieldError,
  invalidValue,
  notSupported,
  required,
  tooMany,
} from '../request/invalid.js';
import { childOf, isObject, itemsOf, type JsonObject, setDefault, textOf } from '../resources/json.js';
import { nameProblems, qualifiedNameProblems } from './names.js';
import type { Strategy } from './strategy.js';

export const webhookStrategy: Strategy = {
  countsGenerations: true,
  defaults: (configuration) => {
    const isMutating = configuration['kind'] === 'MutatingWebhookConfiguration';
    for (const webhook of itemsOf(configuration, 'webhooks')) defaultWebhook(webhook, isMutating);
  },
  validate: (configuration) =>
    itemsOf(configuration, 'webhooks').flatMap((webhook, index) =>
      webhookErrors(webhook, `webhooks[${index}]`),
    ),
};

function defaultWebhook(webhook: JsonObject, isMutating: boolean): void {
  setDefault(webhook, 'failurePolicy', 'Fail');
  setDefault(webhook, 'matchPolicy', 'Equivalent');
  setDefault(webhook, 'namespaceSelector', {});
  setDefault(webhook, 'objectSelector', {});
  setDefault(webhook, 'timeoutSeconds', 10);
  if (isMutating) setDefault(webhook, 'reinvocationPolicy', 'Never');
  for (const rule of itemsOf(webhook, 'rules')) setDefault(rule, 'scope', '*');
  const service = childOf(childOf(webhook, 'clientConfig') ?? {}, 'service');
  if (service !== undefined) setDefault(service, 'port', 443);
}

function webhookErrors(webhook: JsonObject, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  const name = textOf(webhook['name']);
  if (name === '') errors.push(required(`${path}.name`));
  else if (nameProblems(name, 'subdomain').length > 0 || name.split('.').length < 3)
    errors.push(
      invalidValue(`${path}.name`, name, 'should be a domain with at least three segments separated by dots'),
    );
  const effects = webhook['sideEffects'];
  if (effects === undefined)
    errors.push(required(`${path}.sideEffects`, 'must specify one of None, NoneOnDryRun'));
  else if (effects !== 'None' && effects !== 'NoneOnDryRun')
    errors.push(notSupported(`${path}.sideEffects`, effects, ['None', 'NoneOnDryRun']));
  const versions = webhook['admissionReviewVersions'];
  if (!Array.isArray(versions) || versions.length === 0)
    errors.push(required(`${path}.admissionReviewVersions`, 'must specify one of v1, v1beta1'));
  const seconds = Number(webhook['timeoutSeconds']);
  if (seconds < 1 || seconds > 30)
    errors.push(
      invalidValue(`${path}.timeoutSeconds`, seconds, 'the timeout value must be between 1 and 30 seconds'),
    );
  errors.push(...conditionErrors(itemsOf(webhook, 'matchConditions'), `${path}.matchConditions`));
  return [...errors, ...clientErrors(childOf(webhook, 'clientConfig') ?? {}, `${path}.clientConfig`)];
}

const maxConditions = 64;

/** Checks only the form. Admission, which evaluates the expressions, checks whether they are CEL. */
function conditionErrors(conditions: readonly JsonObject[], path: string): readonly FieldError[] {
  const names = new Set<string>();
  const errors: FieldError[] = [];
  if (conditions.length > maxConditions) errors.push(tooMany(path, conditions.length, maxConditions));
  for (const [index, condition] of conditions.entries()) {
    const field = `${path}[${index}]`;
    if (textOf(condition['expression']).trim() === '') errors.push(required(`${field}.expression`));
    const name = textOf(condition['name']);
    if (name === '') errors.push(required(`${field}.name`));
    else errors.push(...qualifiedNameProblems(name).map((text) => invalidValue(`${field}.name`, name, text)));
    if (names.has(name)) errors.push(duplicate(`${field}.name`, name));
    else if (name !== '') names.add(name);
  }
  return errors;
}

function clientErrors({ url, service }: JsonObject, path: string): readonly FieldError[] {
  if ((url === undefined) === (service === undefined))
    return [required(path, 'exactly one of url or service is required')];
  if (isObject(service)) return serviceErrors(service, `${path}.service`);
  if (!textOf(url).startsWith('https://'))
    return [invalidValue(`${path}.url`, url, "'https' is the only allowed URL scheme")];
  return URL.canParse(textOf(url)) ? [] : [invalidValue(`${path}.url`, url, 'url must be a valid URL')];
}

function serviceErrors(service: JsonObject, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (textOf(service['name']) === '') errors.push(required(`${path}.name`, 'service name is required'));
  if (textOf(service['namespace']) === '')
    errors.push(required(`${path}.namespace`, 'service namespace is required'));
  const urlPath = textOf(service['path']);
  if (urlPath !== '' && !urlPath.startsWith('/'))
    errors.push(invalidValue(`${path}.path`, urlPath, "must start with a '/'"));
  if (urlPath.startsWith('//'))
    errors.push(invalidValue(`${path}.path`, urlPath, 'segment[0] may not be empty'));
  return errors;
}
