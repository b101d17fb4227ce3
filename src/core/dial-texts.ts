import type { ErrorCode } from './errors.js';

/**
 * A dial is answered with a text and no code: the wire has no field for one. These are the texts that mean more than
 * "failed". The server writes the first four; every other text comes from the agent. Spelt as in Konnectivity.
 */
export const noAgentText = 'No agent available';
export const backendDialTimeoutText = 'timed out waiting for backend dial';
export const dialIdInUseText = 'dial ID is already in use';
/** Also the reason of a CLOSE_RSP, when the agent's stream ends under a connection. */
export const agentLostText = 'agent connection lost';

/** Go's end of a dial that took too long. */
const goTimeout = 'i/o timeout';

/** What a dial that took too long says, as Go does. */
export const dialTimeoutText = (address: string): string => `dial tcp ${address}: ${goTimeout}`;

/** The code of a failed dial, at the one place where it can only be read from the text. */
export function codeOfDialText(text: string): ErrorCode {
  if (text === noAgentText) return 'NO_AGENT';
  if (text === agentLostText) return 'TUNNEL_CLOSED';
  if (text === backendDialTimeoutText || text.endsWith(goTimeout)) return 'DIAL_TIMEOUT';
  return 'DIAL_FAILED';
}
