import { TunnelError } from '../core/errors.js';
import type { Problem } from './contract.js';

const mediaType = 'application/problem+json';

/** The answer for a failure, as RFC 9457 has it. The status is that of the code unless another one says more. */
export function problemResponse(caught: unknown, status?: number): Response {
  const error = TunnelError.from(caught);
  const problem: Problem = {
    type: `urn:konnectivity-sim:${error.code}`,
    title: error.code.toLowerCase().replaceAll('_', ' '),
    status: status ?? error.httpStatus,
    detail: error.message,
    code: error.code,
    hint: error.hint,
    ...(error.where === undefined ? {} : { where: error.where }),
  };
  return new Response(`${JSON.stringify(problem)}\n`, {
    status: problem.status,
    headers: { 'content-type': mediaType },
  });
}
