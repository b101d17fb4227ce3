import { type FieldError, invalidValue } from '../request/invalid.js';
import { childOf, type JsonObject } from '../resources/json.js';
import type { Strategy } from './strategy.js';

export const leaseStrategy: Strategy = {
  createsOnUpdate: true,
  needsRevision: true,
  validate: validateLease,
};

function validateLease(lease: JsonObject): readonly FieldError[] {
  const spec = childOf(lease, 'spec') ?? {};
  const errors: FieldError[] = [];
  const { leaseDurationSeconds, leaseTransitions } = spec;
  if (typeof leaseDurationSeconds === 'number' && leaseDurationSeconds <= 0)
    errors.push(invalidValue('spec.leaseDurationSeconds', leaseDurationSeconds, 'must be greater than 0'));
  if (typeof leaseTransitions === 'number' && leaseTransitions < 0)
    errors.push(
      invalidValue('spec.leaseTransitions', leaseTransitions, 'must be greater than or equal to 0'),
    );
  return errors;
}
