import { parseAgentIdentifiers } from '../../core/identifiers.js';

/**
 * Whether a server with these strategies (`destHost,default`) may choose an agent with these identifiers for a host.
 * Undefined when the journal does not say what the server asks or what the agent claims.
 */
export function mayServe(
  strategies: string | undefined,
  identifiers: string | undefined,
  host: string,
): boolean | undefined {
  const asked = strategies?.split(',');
  if (asked?.includes('default') === true) return true;
  if (asked === undefined || identifiers === undefined) return undefined;
  const claims = parseAgentIdentifiers(identifiers);
  if ('fault' in claims) return undefined;
  const isClaimed = [...claims.ipv4, ...claims.ipv6, ...claims.host].includes(host);
  return (asked.includes('destHost') && isClaimed) || (asked.includes('defaultRoute') && claims.defaultRoute);
}
