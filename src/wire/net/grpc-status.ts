import { Metadata, type ServiceError, type StatusObject, status } from '@grpc/grpc-js';
import { type ErrorCode, errorTable, TunnelError } from '../../core/errors.js';

/** Trailing metadata with the stable code of a failure. */
export const codeKey = 'konnsim-code';
/** Trailing metadata with the place of a failure on the path, percent-encoded. */
export const whereKey = 'konnsim-where';
/** Request metadata with the name of the user request. */
export const requestKey = 'konnsim-request';

const statusOfCode: Record<ErrorCode, status> = {
  NO_AGENT: status.UNAVAILABLE,
  DIAL_FAILED: status.UNAVAILABLE,
  DIAL_TIMEOUT: status.DEADLINE_EXCEEDED,
  DIAL_CANCELLED: status.CANCELLED,
  TUNNEL_CLOSED: status.UNAVAILABLE,
  STALE_CONNECTION: status.UNAVAILABLE,
  SERVER_UNREACHABLE: status.UNAVAILABLE,
  TLS_REJECTED: status.UNAUTHENTICATED,
  PROTOCOL_VIOLATION: status.INVALID_ARGUMENT,
  REQUEST_NOT_FOUND: status.NOT_FOUND,
  POD_NOT_FOUND: status.NOT_FOUND,
  CONTAINER_NOT_FOUND: status.NOT_FOUND,
  NODE_NOT_FOUND: status.NOT_FOUND,
  FAULT_NOT_FOUND: status.NOT_FOUND,
  PATH_NOT_FOUND: status.NOT_FOUND,
  FORBIDDEN: status.PERMISSION_DENIED,
  LOGS_UNAVAILABLE: status.FAILED_PRECONDITION,
  READER_TOO_SLOW: status.RESOURCE_EXHAUSTED,
  BAD_REQUEST: status.INVALID_ARGUMENT,
  UNAUTHORIZED: status.UNAUTHENTICATED,
  TOO_MANY_REQUESTS: status.RESOURCE_EXHAUSTED,
  COMMAND_NOT_FOUND: status.FAILED_PRECONDITION,
  PORT_CLOSED: status.FAILED_PRECONDITION,
  USAGE: status.INVALID_ARGUMENT,
  RECORDING_INVALID: status.INVALID_ARGUMENT,
  CONFIG_INVALID: status.INVALID_ARGUMENT,
  FILE_UNREADABLE: status.FAILED_PRECONDITION,
  FILE_UNWRITABLE: status.FAILED_PRECONDITION,
  CERT_INVALID: status.FAILED_PRECONDITION,
  ADDRESS_IN_USE: status.FAILED_PRECONDITION,
  ADDRESS_UNAVAILABLE: status.FAILED_PRECONDITION,
  TOO_MANY_OPEN_FILES: status.RESOURCE_EXHAUSTED,
  NOT_READY: status.UNAVAILABLE,
  LINK_NOT_FOUND: status.NOT_FOUND,
  WAIT_TIMEOUT: status.DEADLINE_EXCEEDED,
  EXPECTATION_FAILED: status.FAILED_PRECONDITION,
  INVARIANT_BROKEN: status.FAILED_PRECONDITION,
  LAB_UNREACHABLE: status.UNAVAILABLE,
  LAB_STOPPED: status.UNAVAILABLE,
  API_UNREACHABLE: status.UNAVAILABLE,
  API_REFUSED: status.FAILED_PRECONDITION,
  INTERNAL: status.INTERNAL,
};

/** The gRPC status that carries `error`, with its code and place in the trailing metadata. */
export function statusFromError(error: TunnelError): StatusObject {
  const metadata = new Metadata();
  metadata.set(codeKey, error.code);
  if (error.where !== undefined) metadata.set(whereKey, encodeURIComponent(error.where));
  return { code: statusOfCode[error.code], details: error.message, metadata };
}

/** The error code for a status without `konnsim-code`, from the transport or a foreign server. */
function codeOfStatus(code: status): ErrorCode {
  switch (code) {
    case status.UNAUTHENTICATED:
    case status.PERMISSION_DENIED:
      return 'UNAUTHORIZED';
    case status.INVALID_ARGUMENT:
    case status.OUT_OF_RANGE:
    case status.RESOURCE_EXHAUSTED:
      return 'BAD_REQUEST';
    case status.DEADLINE_EXCEEDED:
      return 'WAIT_TIMEOUT';
    case status.UNIMPLEMENTED:
    case status.DATA_LOSS:
      return 'PROTOCOL_VIOLATION';
    case status.UNAVAILABLE:
    case status.CANCELLED:
    case status.ABORTED:
      return 'TUNNEL_CLOSED';
    default:
      return 'INTERNAL';
  }
}

function firstText(metadata: Metadata, key: string): string | undefined {
  const value = metadata.get(key)[0];
  return value === undefined ? undefined : value.toString();
}

function isErrorCode(text: string | undefined): text is ErrorCode {
  return text !== undefined && Object.hasOwn(errorTable, text);
}

function decodePlace(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Rebuilds the other end's error from a failed call. `where` is the place when the other end named none. */
export function errorFromStatus(failure: ServiceError, where: string): TunnelError {
  const code = firstText(failure.metadata, codeKey);
  const place = firstText(failure.metadata, whereKey);
  return new TunnelError(isErrorCode(code) ? code : codeOfStatus(failure.code), failure.details, {
    where: place === undefined ? where : decodePlace(place),
    cause: failure,
  });
}

/** True when the other end itself reported this failure, false when the transport did. */
export function isAnswered(failure: ServiceError): boolean {
  return firstText(failure.metadata, codeKey) !== undefined;
}
