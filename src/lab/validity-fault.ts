import type { PeerCertificate } from 'node:tls';
import { rfc3339 } from '../kube/time.js';

/** What Go says of a certificate at a time outside of its dates, epoch ms; undefined when it is valid. */
export function validityFault(
  { valid_from: from, valid_to: to }: Pick<PeerCertificate, 'valid_from' | 'valid_to'>,
  nowMs: number,
): string | undefined {
  const bound = (text: string, word: string): string =>
    `x509: certificate has expired or is not yet valid: current time ${rfc3339(nowMs)} is ${word} ${rfc3339(Date.parse(text))}`;
  if (nowMs < Date.parse(from)) return bound(from, 'before');
  return nowMs > Date.parse(to) ? bound(to, 'after') : undefined;
}
