import type { Exchange } from '../request/exchange.js';
import { invalidObject, notSupported } from '../request/invalid.js';
import type { FieldValidation } from './decode.js';

export interface WriteOptions {
  /** Everything is checked and nothing is stored. */
  readonly dryRun: boolean;
  readonly fieldManager: string;
  readonly fieldValidation: FieldValidation;
  /** Server-side apply takes over fields of other managers. */
  readonly force: boolean;
}

const fieldValidations = ['Ignore', 'Strict', 'Warn'] as const;

/** Parses them. `kind` is the kind of the options, such as `CreateOptions`. Throws 422. */
export function parseWriteOptions(
  { query, request }: Pick<Exchange, 'query' | 'request'>,
  kind: 'CreateOptions' | 'UpdateOptions' | 'PatchOptions' | 'DeleteOptions',
): WriteOptions {
  const dryRun = query.getAll('dryRun').filter((value) => value !== '');
  const validation = query.get('fieldValidation') || 'Warn';
  const errors = [
    ...dryRun.filter((value) => value !== 'All').map((value) => notSupported('dryRun', [value], ['All'])),
    ...(isFieldValidation(validation)
      ? []
      : [notSupported('fieldValidation', validation, ['', ...fieldValidations])]),
  ];
  if (errors.length > 0) throw invalidObject({ kind, group: 'meta.k8s.io' }, '', errors);
  const userAgent = request.headers['user-agent'] ?? '';
  return {
    dryRun: dryRun.length > 0,
    fieldManager: query.get('fieldManager') || (userAgent.split('/')[0] ?? '') || 'unknown',
    fieldValidation: isFieldValidation(validation) ? validation : 'Warn',
    force: query.get('force') === 'true',
  };
}

function isFieldValidation(text: string): text is FieldValidation {
  return fieldValidations.some((each) => each === text);
}
