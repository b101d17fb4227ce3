import type { RemoteCommandResult } from './types.js';

/** The part of a Kubernetes Status that ends a remote command. Field order is that of Go's encoder. */
export interface CommandStatus {
  readonly metadata: Record<string, never>;
  readonly status: 'Success' | 'Failure';
  readonly message?: string;
  readonly reason?: string;
  readonly details?: { readonly causes: readonly { readonly reason?: string; readonly message: string }[] };
  readonly code?: number;
}

const exitCodeReason = 'NonZeroExitCode';
const exitCodeCause = 'ExitCode';

function exitStatus(code: number, what: string): CommandStatus {
  if (code === 0) return { metadata: {}, status: 'Success' };
  return {
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: ${what}`,
    reason: exitCodeReason,
    details: { causes: [{ reason: exitCodeCause, message: String(code) }] },
  };
}

/** A 500 InternalError, as from Kubernetes' NewInternalError. */
export function internalErrorStatus(message: string): CommandStatus {
  return {
    metadata: {},
    status: 'Failure',
    message: `Internal error occurred: ${message}`,
    reason: 'InternalError',
    details: { causes: [{ message }] },
    code: 500,
  };
}

/** A kubelet's status for a result: exit codes unchanged, other errors after the operation's text. */
export function kubeletStatus(result: RemoteCommandResult, operation: 'exec' | 'attach'): CommandStatus {
  if (result.kind === 'exit') return exitStatus(result.code, `exit status ${result.code}`);
  const what = operation === 'exec' ? 'error executing command in container' : 'error attaching to container';
  return internalErrorStatus(`${what}: ${result.message}`);
}

/** The status of kube-apiserver's translator for a result that it read from the kubelet. */
export function translatorStatus(result: RemoteCommandResult): CommandStatus {
  if (result.kind === 'exit')
    return exitStatus(result.code, `command terminated with exit code ${result.code}`);
  return internalErrorStatus(result.message);
}

/** The bytes of the error stream: JSON for v4 and later, plain text (empty for success) for earlier versions. */
export function encodeStatus(status: CommandStatus, asJson: boolean): Buffer {
  if (asJson) return Buffer.from(JSON.stringify(status));
  return Buffer.from(status.status === 'Success' ? '' : (status.message ?? ''));
}

function protocolError(what: string): RemoteCommandResult {
  return { kind: 'error', message: `error stream protocol error: ${what}` };
}

function decodeExitCode(status: Partial<CommandStatus>): RemoteCommandResult {
  if (status.details === undefined) return protocolError('details must be set');
  const cause = status.details.causes?.find((each) => each.reason === exitCodeCause);
  if (cause === undefined) return protocolError(`no ${exitCodeCause} cause given`);
  const code = Number(cause.message);
  if (!/^\d{1,3}$/.test(cause.message) || code > 255) {
    return protocolError(`invalid exit code value ${JSON.stringify(cause.message)}`);
  }
  return { kind: 'exit', code };
}

function decodeJson(text: string): RemoteCommandResult {
  let status: Partial<CommandStatus>;
  try {
    status = JSON.parse(text) as Partial<CommandStatus>;
  } catch (error) {
    return protocolError(
      `${error instanceof Error ? error.message : String(error)} in ${JSON.stringify(text)}`,
    );
  }
  if (status?.status === 'Success') return { kind: 'exit', code: 0 };
  if (status?.status !== 'Failure') return protocolError('unknown error');
  if (status.reason === exitCodeReason) return decodeExitCode(status);
  return { kind: 'error', message: status.message ?? '' };
}

/** Reads a whole error stream as client-go does. An empty one means success in every version. */
export function decodeErrorStream(text: string, asJson: boolean): RemoteCommandResult {
  if (text === '') return { kind: 'exit', code: 0 };
  return asJson ? decodeJson(text) : { kind: 'error', message: `error executing remote command: ${text}` };
}
