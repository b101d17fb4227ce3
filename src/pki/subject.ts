import { isIP } from 'node:net';
import { TunnelError } from '../core/errors.js';

/** What a certificate may be used for: as a server's, or as a client's. */
export type KeyUsage = 'server' | 'client';

/** serverAuth and clientAuth, as extended key usages (RFC 5280, 4.2.1.12). */
export const keyPurposes: Readonly<Record<KeyUsage, string>> = {
  server: '1.3.6.1.5.5.7.3.1',
  client: '1.3.6.1.5.5.7.3.2',
};

/** The content of a leaf certificate. */
export interface LeafRequest {
  /** The name of the subject. Kubernetes reads it as the user's name. */
  readonly commonName: string;
  /** The organizations of the subject. Kubernetes reads them as the user's groups. Default: no organization. */
  readonly organizations?: readonly string[];
  /** DNS names of a server. Default: no names beside `loopbackNames`. */
  readonly dnsNames?: readonly string[];
  /** IP addresses of a server. Default: no addresses beside `loopbackNames`. */
  readonly ipAddresses?: readonly string[];
  /** What the certificate may be used for. */
  readonly usages: readonly KeyUsage[];
  /** How long it is valid, in days from now. Default 365. `notAfter` wins over it. */
  readonly validDays?: number;
  /** When it becomes valid. Default: five minutes ago, so that a peer whose clock is slow accepts it. */
  readonly notBefore?: Date;
  /** When it expires. Default: after `validDays`. */
  readonly notAfter?: Date;
  /** Adds localhost, 127.0.0.1 and ::1 to a server's names. Default true; false makes name mismatches possible. */
  readonly loopbackNames?: boolean;
}

/** One subject alternative name, for the certificate writer. */
export interface AlternativeName {
  readonly type: 'dns' | 'ip';
  readonly value: string;
}

const dnsPattern = /^(\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?$/i;

/** All alternative names of a request, each once. Throws CONFIG_INVALID for a malformed one. */
export function alternativeNames(request: LeafRequest): AlternativeName[] {
  const local = request.usages.includes('server') && (request.loopbackNames ?? true);
  const dns = [...(local ? ['localhost'] : []), ...(request.dnsNames ?? [])];
  const ips = [...(local ? ['127.0.0.1', '::1'] : []), ...(request.ipAddresses ?? [])];
  for (const name of dns)
    if (!dnsPattern.test(name)) throw invalid(`${JSON.stringify(name)} is not a DNS name`);
  for (const ip of ips) if (isIP(ip) === 0) throw invalid(`${JSON.stringify(ip)} is not an IP address`);
  return [
    ...[...new Set(dns)].map((value) => ({ type: 'dns', value }) as const),
    ...[...new Set(ips)].map((value) => ({ type: 'ip', value }) as const),
  ];
}

/** One part of a distinguished name: organization or common name. */
export interface NamePart {
  readonly type: 'O' | 'CN';
  readonly text: string;
}

/** The subject: groups first, as Go writes it. Throws CONFIG_INVALID for an empty part. */
export function subjectOf(commonName: string, organizations: readonly string[] = []): NamePart[] {
  if (commonName === '' || organizations.includes(''))
    throw invalid('a certificate needs non-empty subject names');
  return [...organizations.map((text) => ({ type: 'O', text }) as const), { type: 'CN', text: commonName }];
}

const dayMs = 86_400_000;
const backdateMs = 5 * 60_000;

export interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** When a certificate is valid. Throws CONFIG_INVALID when it would expire before it becomes valid. */
export function validityOf(
  wish: Partial<Validity> & { validDays?: number | undefined },
  defaultDays: number,
): Validity {
  const now = Date.now();
  const notBefore = wish.notBefore ?? new Date(now - backdateMs);
  const notAfter = wish.notAfter ?? new Date(now + (wish.validDays ?? defaultDays) * dayMs);
  if (notAfter > notBefore) return { notBefore, notAfter };
  throw invalid('a certificate must not end before it begins');
}

function invalid(message: string): TunnelError {
  return new TunnelError('CONFIG_INVALID', message, { where: 'certificate request' });
}
