import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createAuthority } from '../../../src/pki/authority.js';
import { bitString, children, oid, sequence, time, unsigned, utf8String } from '../../../src/pki/der.js';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('DER', () => {
  it('writes lengths below 128 in one byte and longer ones in as many as they need', () => {
    expect(hex(utf8String('x'.repeat(127))).slice(0, 4)).toBe('0c7f');
    expect(hex(utf8String('x'.repeat(128))).slice(0, 6)).toBe('0c8180');
    expect(hex(utf8String('x'.repeat(300))).slice(0, 8)).toBe('0c82012c');
  });

  it('writes whole numbers without a sign and without leading zeros', () => {
    expect(hex(unsigned(Buffer.from([0, 0, 5])))).toBe('020105');
    expect(hex(unsigned(Buffer.from([0x80])))).toBe('02020080');
    expect(hex(unsigned(Buffer.from([0])))).toBe('020100');
  });

  it('writes object identifiers with large arcs', () => {
    expect(hex(oid('1.2.840.10045.4.3.2'))).toBe('06082a8648ce3d040302');
  });

  it('writes bits with the number of those that do not count', () => {
    expect(hex(bitString(Buffer.from([0x80]), 7))).toBe('03020780');
  });

  it('writes times up to 2049 with two digits of the year, later ones with four', () => {
    expect(time(new Date('2049-12-31T23:59:59.900Z')).toString('latin1').slice(2)).toBe('491231235959Z');
    expect(time(new Date('2050-01-01T00:00:00Z')).toString('latin1').slice(2)).toBe('20500101000000Z');
  });

  it('finds the elements of a sequence again', () => {
    const parts = [utf8String('a'), utf8String('b'.repeat(500)), oid('2.5.4.3')];
    expect(children(sequence(...parts)).map(hex)).toEqual(parts.map(hex));
  });
});

describe('a certificate', () => {
  it('bears IPv6 addresses in every spelling', async () => {
    const authority = await createAuthority();
    const ipAddresses = ['::', '1::', '::ffff:10.0.0.1', 'fd00:0:0:1::8', '2001:db8:1:2:3:4:5:6'];
    const { certPem } = await authority.issue({ commonName: 'many', usages: ['client'], ipAddresses });
    const certificate = new X509Certificate(certPem);
    for (const address of ipAddresses) expect(certificate.checkIP(address)).toBe(address);
  });

  it('may outlive 2049', async () => {
    const authority = await createAuthority({ validDays: 36_500 });
    const certificate = new X509Certificate(authority.certPem);
    expect(new Date(certificate.validTo).getUTCFullYear()).toBeGreaterThan(2100);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
  });
});
