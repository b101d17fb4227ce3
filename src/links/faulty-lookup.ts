import type { TunnelError } from '../core/errors.js';
import type { PartSettings } from './fault-points.js';
import { type GoTarget, lookupError } from './go-errors.js';

export type ResolverAnswer = PartSettings<'resolver'>['answer'];

/** The resolver that the texts of failed look-ups name, as many clusters have it. */
const dnsServer = '10.96.0.10';

/** The address of before a move. Nobody answers there any more. */
export const staleAddress = '10.0.0.99';

/** Go tries IPv4 so long after it began with IPv6, ms. */
export const fallbackMs = 300;

const codes: Partial<Record<ResolverAnswer, string>> = { NXDOMAIN: 'ENOTFOUND', SERVFAIL: 'ESERVFAIL' };

/** What Go says of an answer that has no address; undefined when it has one, or when there is no answer. */
export function refusedLookup(answer: ResolverAnswer, target: GoTarget): TunnelError | undefined {
  const code = codes[answer];
  return code === undefined ? undefined : lookupError(target, { code }, dnsServer);
}

/** What Go says when the resolver has not answered in its own time. `from` is who asked. */
export function silentLookup(target: GoTarget, from: string): TunnelError {
  const asked = `read udp ${from}:41053->${dnsServer}:53`;
  return lookupError(target, new Error(`${asked}: i/o timeout`), dnsServer);
}
