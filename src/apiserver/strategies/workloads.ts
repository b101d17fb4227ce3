import { type FieldError, invalidValue, notSupported, required } from '../request/invalid.js';
import { childOf, ensureChild, type JsonObject, sameJson, setDefault } from '../resources/json.js';
import { defaultPodSpec, podSpecErrors } from './pod-template.js';
import type { Strategy } from './strategy.js';

const common = {
  hasStatus: true,
  countsGenerations: true,
  prepareCreate: (object: JsonObject) => {
    object['status'] = object['kind'] === 'ReplicaSet' ? { replicas: 0 } : {};
  },
  validate: workloadErrors,
  validateUpdate: (next: JsonObject, old: JsonObject) => {
    const selector = childOf(next, 'spec')?.['selector'];
    if (sameJson(selector, childOf(old, 'spec')?.['selector'])) return [];
    return [invalidValue('spec.selector', selector, 'field is immutable')];
  },
} satisfies Strategy;

export const deploymentStrategy: Strategy = {
  ...common,
  defaults: (deployment) => {
    const spec = defaultWorkload(deployment);
    const strategy = ensureChild(spec, 'strategy');
    setDefault(strategy, 'type', 'RollingUpdate');
    if (strategy['type'] === 'RollingUpdate') {
      const rolling = ensureChild(strategy, 'rollingUpdate');
      setDefault(rolling, 'maxUnavailable', '25%');
      setDefault(rolling, 'maxSurge', '25%');
    }
    setDefault(spec, 'revisionHistoryLimit', 10);
    setDefault(spec, 'progressDeadlineSeconds', 600);
  },
};

export const replicaSetStrategy: Strategy = { ...common, defaults: (set) => void defaultWorkload(set) };

function defaultWorkload(object: JsonObject): JsonObject {
  const spec = ensureChild(object, 'spec');
  setDefault(spec, 'replicas', 1);
  const template = childOf(spec, 'template');
  if (template !== undefined) defaultPodSpec(ensureChild(template, 'spec'));
  return spec;
}

function workloadErrors(object: JsonObject): readonly FieldError[] {
  const spec = childOf(object, 'spec') ?? {};
  const template = childOf(spec, 'template') ?? {};
  const errors: FieldError[] = [];
  const replicas = spec['replicas'];
  if (typeof replicas === 'number' && replicas < 0)
    errors.push(invalidValue('spec.replicas', replicas, 'must be greater than or equal to 0'));
  const selector = childOf(spec, 'selector');
  const labels = childOf(childOf(template, 'metadata') ?? {}, 'labels') ?? {};
  if (selector === undefined) errors.push(required('spec.selector'));
  else if (Object.keys(selector).length === 0)
    errors.push(invalidValue('spec.selector', selector, 'empty selector is invalid for deployment'));
  const wanted = Object.entries(childOf(selector ?? {}, 'matchLabels') ?? {});
  if (wanted.some(([key, value]) => labels[key] !== value))
    errors.push(
      invalidValue('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'),
    );
  const podSpec = childOf(template, 'spec') ?? {};
  errors.push(...podSpecErrors(podSpec, 'spec.template.spec'));
  if (podSpec['restartPolicy'] !== undefined && podSpec['restartPolicy'] !== 'Always')
    errors.push(notSupported('spec.template.spec.restartPolicy', podSpec['restartPolicy'], ['Always']));
  return errors;
}
