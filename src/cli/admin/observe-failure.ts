import { type ServiceError, status } from '@grpc/grpc-js';
import { TunnelError } from '../../core/errors.js';
import { transportText, unreachableCode } from '../../wire/net/transport-text.js';

export function observedFailure(failure: ServiceError, address: string): TunnelError {
  const where = `admin port ${address}`;
  const text = transportText(failure.details);
  if (failure.code === status.UNAVAILABLE || failure.code === status.DEADLINE_EXCEEDED) {
    const code = unreachableCode(text, true);
    const hint =
      code === 'TLS_REJECTED'
        ? undefined
        : 'Was the role started with --admin-port, and is the address right?';
    return new TunnelError(code, text, { where, cause: failure, ...(hint && { hint }) });
  }
  return new TunnelError('TUNNEL_CLOSED', text, { where, cause: failure });
}
