import { TunnelError } from '../core/errors.js';

/** What was expected did not happen. */
export function failed(text: string): TunnelError {
  return new TunnelError('EXPECTATION_FAILED', text, { where: 'scenario' });
}
