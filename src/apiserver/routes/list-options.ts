import { type FieldError, forbiddenField, invalidObject, notSupported } from '../request/invalid.js';
import { revisionParameter } from '../request/selection.js';
import { badRequest } from '../request/status.js';

export interface ListOptions {
  /** Objects per page; 0 for all of them. */
  readonly limit: number;
  /** The token from the page before; empty for the first page. */
  readonly continueToken: string;
  /** `resourceVersion`; undefined when absent. */
  readonly revision: number | undefined;
  /** Whether exactly the state at `revision` is wanted, not one that is at least as new. */
  readonly isExact: boolean;
}

/** Parses the parameters of a list. Throws 400 for invalid values, 422 for combinations that are not allowed. */
export function parseListOptions(query: URLSearchParams): ListOptions {
  const limit = integerParameter(query, 'limit');
  const errors = listErrors(query);
  if (errors.length > 0) throw invalidOptions(errors);
  const continueToken = query.get('continue') ?? '';
  const revision = revisionParameter(query);
  // The watch cache, which answers requests for any version, does not page.
  const isPaged = limit > 0 && (revision !== 0 || continueToken !== '');
  const match = query.get('resourceVersionMatch') ?? '';
  const isExact = revision !== undefined && (match === 'Exact' || (match === '' && isPaged && revision > 0));
  return { limit: isPaged ? limit : 0, continueToken, revision, isExact };
}

/** Throws 422 for parameters that a watch does not support. */
export function checkWatchOptions(query: URLSearchParams): void {
  const errors = watchErrors(query);
  if (errors.length > 0) throw invalidOptions(errors);
}

function invalidOptions(errors: readonly FieldError[]): Error {
  return invalidObject({ kind: 'ListOptions', group: 'meta.k8s.io' }, '', errors);
}

function listErrors(query: URLSearchParams): readonly FieldError[] {
  const match = query.get('resourceVersionMatch') ?? '';
  const revision = query.get('resourceVersion') ?? '';
  const errors: FieldError[] = [];
  const refuse = (detail: string): void => void errors.push(forbiddenField('resourceVersionMatch', detail));
  if (match !== '') {
    if (revision === '') refuse('resourceVersionMatch is forbidden unless resourceVersion is provided');
    if ((query.get('continue') ?? '') !== '')
      refuse('resourceVersionMatch is forbidden when continue is provided');
    if (match !== 'Exact' && match !== 'NotOlderThan')
      errors.push(notSupported('resourceVersionMatch', match, ['Exact', 'NotOlderThan', '']));
    if (match === 'Exact' && revision === '0')
      refuse('resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
  }
  if (query.has('sendInitialEvents'))
    errors.push(forbiddenField('sendInitialEvents', 'sendInitialEvents is forbidden for list'));
  return errors;
}

/** Clients that ask for a streamed list fall back to list and watch after a refusal. */
function watchErrors(query: URLSearchParams): readonly FieldError[] {
  const match = query.get('resourceVersionMatch') ?? '';
  const errors: FieldError[] = [];
  const refuse = (field: string, detail: string): void => void errors.push(forbiddenField(field, detail));
  const isStreamedList = query.has('sendInitialEvents');
  if (match !== '') {
    if (!isStreamedList)
      refuse(
        'resourceVersionMatch',
        'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
      );
    if (match !== 'NotOlderThan') errors.push(notSupported('resourceVersionMatch', match, ['NotOlderThan']));
    if ((query.get('continue') ?? '') !== '')
      refuse('resourceVersionMatch', 'resourceVersionMatch is forbidden when continue is provided');
  }
  if (!isStreamedList) return errors;
  if (match !== 'NotOlderThan')
    refuse('resourceVersionMatch', 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan');
  refuse(
    'sendInitialEvents',
    'sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled',
  );
  return errors;
}

function integerParameter(query: URLSearchParams, name: string): number {
  const text = query.get(name) ?? '';
  if (text === '') return 0;
  if (/^[+-]?\d{1,15}$/.test(text)) return Number(text);
  throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
}
