import type { WallClock } from '../core/wall-clock.js';
import type { FaultPoints } from '../links/fault-points.js';
import type { Links } from '../links/links.js';
import type { WrongCertificate } from '../links/part-faults/certificate.js';
import type { TlsTalk } from '../links/part-faults/tls.js';
import { issueNow } from '../pki/authority.js';
import { authorityOf, type CertificateSet } from '../pki/certificate-set.js';
import type { LeafRequest } from '../pki/subject.js';
import type { HandshakeFaults, OddHandshake } from '../wire/net/handshake-faults.js';
import { validityFault } from './validity-fault.js';

/** One end of TLS connections. */
export interface TrustEnd {
  /** `agent/node-1`. */
  readonly part: string;
  /** The certificate that it shows. */
  readonly leaf: string;
  /** Nobody checks the names of a client's certificate. */
  readonly isClient?: boolean;
}

/** What the faults of trust need of a lab. */
export interface TrustContext {
  readonly links: Pick<Links, 'faults'>;
  readonly certificates: CertificateSet;
  /** What stands in the certificate of this name. */
  readonly requests: (leaf: string) => LeafRequest;
  /** One for all parts, also for those that start later: clocks that run fast drift apart. */
  readonly now: WallClock;
}

/** The CA that no part of a lab knows. */
const strange = 'store-ca';
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** The faults of its certificate, its CA, its protocols and its clock. */
export function handshakesOf(
  context: TrustContext,
  { part, leaf, isClient = false }: TrustEnd,
): HandshakeFaults {
  const faults = context.links.faults.points(part);
  const { now } = context;
  return {
    next() {
      const certificate = faults.meet('certificate', {}, ({ is }) => !(isClient && is === 'otherName'));
      const trusts = faults.meet('trusts');
      const tls = faults.meet('tls');
      if ((certificate ?? trusts ?? tls) === undefined) return undefined;
      const shown = certificate === undefined ? {} : wrongPair(context, leaf, certificate.is);
      const ca = trusts === undefined ? {} : { ca: wrongCa(context.certificates, leaf, trusts.ca) };
      const { version, alpn } = talk(tls);
      return { tls: { ...shown, ...ca, ...version }, ...alpn };
    },
    judge(socket) {
      const faultAt = ({ offset }: { offset: number }) =>
        validityFault(socket.getPeerCertificate(), now() + offset);
      const wrong = faults.meet('clock', {}, (settings) => faultAt(settings) !== undefined);
      return wrong === undefined ? undefined : faultAt(wrong);
    },
  };
}

/** The wall time of a part whose clock may be wrong. */
export function wrongClock({ now }: Pick<TrustContext, 'now'>, faults: FaultPoints): WallClock {
  return () => now() + (faults.meet('clock')?.offset ?? 0);
}

function wrongPair(
  { certificates, requests }: TrustContext,
  leaf: string,
  is: WrongCertificate,
): { readonly cert: string; readonly key: string } {
  const authority = certificates.authorities[is === 'otherCa' ? strange : authorityOf(leaf)];
  const { certPem: cert, keyPem: key } = issueNow(authority, wrongRequest(requests(leaf), is));
  return { cert, key };
}

function wrongRequest(request: LeafRequest, is: WrongCertificate): LeafRequest {
  const now = Date.now();
  switch (is) {
    case 'expired':
      return { ...request, notBefore: new Date(now - dayMs), notAfter: new Date(now - hourMs) };
    case 'notYetValid':
      return { ...request, notBefore: new Date(now + hourMs), notAfter: new Date(now + dayMs) };
    case 'otherName':
      return { ...request, dnsNames: ['elsewhere.example'], ipAddresses: [], loopbackNames: false };
    case 'otherCa':
      return request;
  }
}

function wrongCa({ authorities }: CertificateSet, leaf: string, ca: 'other' | 'malformed'): string {
  if (ca === 'other') return authorities[strange].certPem;
  // As of a file that was not written to its end.
  const { certPem } = authorities[authorityOf(leaf)];
  return certPem.slice(0, certPem.length / 2);
}

function talk({ alpn, version }: TlsTalk = {}): {
  readonly version: Pick<OddHandshake['tls'], 'minVersion' | 'maxVersion'>;
  readonly alpn: Pick<OddHandshake, 'alpn'>;
} {
  return {
    version: version === undefined ? {} : { minVersion: version, maxVersion: version },
    alpn: alpn === undefined ? {} : { alpn: alpn === 'none' ? [] : [alpn] },
  };
}
