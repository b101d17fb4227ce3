import { type ErrorCode, TunnelError } from '../core/errors.js';

/** Why a container runtime refuses a stream: the gRPC codes that clients tell apart. */
export type StreamRefusal = keyof typeof refusals;

export const refusals = {
  ResourceExhausted: {
    code: 'TOO_MANY_REQUESTS',
    text: 'maximum number of in-flight requests exceeded',
  },
  NotFound: { code: 'CONTAINER_NOT_FOUND', text: 'an error occurred when try to find container: not found' },
  Unavailable: { code: 'NOT_READY', text: 'the container runtime is not available' },
} as const satisfies Record<string, { readonly code: ErrorCode; readonly text: string }>;

/** A container runtime's error as clients see it; `text` replaces the usual description. */
export function refusedStream(refusal: StreamRefusal, text: string = refusals[refusal].text): TunnelError {
  const hint = {
    hint: 'The container runtime refused the stream: a limit was reached, or a behaviour says so.',
  };
  return new TunnelError(refusals[refusal].code, `rpc error: code = ${refusal} desc = ${text}`, hint);
}
