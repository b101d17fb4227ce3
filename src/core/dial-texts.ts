import type { ErrorCode } from './errors.js';

/**
 * A dial is answered with a text and no code: the protocol has no field for one. These texts have a meaning beyond
 * "failed". The server writes the first four; all other texts come from the agent. Spelling as in Konnectivity.
 */
export const noAgentText = 'No agent available';
export const backendDialTimeoutText = 'timed out waiting for backend dial';
export const dialIdInUseText = 'dial ID is already in use';
/** Also the reason in a CLOSE_RSP when the agent's stream ended. */
export const agentLostText = 'agent connection lost';
/** grpc-go's text for a server that accepts a connection and says nothing. */
export const serverSilentText = 'error reading server preface';
/** The end of Go's text for a dial that took too long. */
const goTimeout = 'i/o timeout';
/** Go's text for a dial that took too long. */
export const dialTimeoutText = (address: string): string => `dial tcp ${address}: ${goTimeout}`;

/** The code of a failed dial. Only here it is read from the text. */
export function codeOfDialText(text: string): ErrorCode {
  if (text === noAgentText) return 'NO_AGENT';
  if (text === agentLostText) return 'TUNNEL_CLOSED';
  if (text === backendDialTimeoutText || text.endsWith(goTimeout)) return 'DIAL_TIMEOUT';
  return 'DIAL_FAILED';
}
