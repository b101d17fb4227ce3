import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Authority, createAuthority, loadAuthority } from '../../../src/pki/authority.js';
import type { KeyPair } from '../../../src/pki/key-pair.js';
import { once, soon } from '../../support/waits.js';

let ca: Authority;
beforeAll(async () => {
  ca = await createAuthority({ commonName: 'test-ca' });
});

describe('an authority', () => {
  it('is a self-signed CA that may sign certificates', () => {
    const certificate = new X509Certificate(ca.certPem);
    expect(certificate.ca).toBe(true);
    expect(certificate.subject).toBe('CN=test-ca');
    expect(certificate.verify(certificate.publicKey)).toBe(true);
  });

  it('issues leaves that carry groups before the name, all alternative names and both usages', async () => {
    const leaf = await ca.issue({
      commonName: 'system:node:n1',
      organizations: ['system:nodes', 'other'],
      dnsNames: ['n1', 'localhost'],
      ipAddresses: ['10.0.1.11', 'fd00::1'],
      usages: ['server', 'client'],
    });
    const certificate = new X509Certificate(leaf.certPem);
    expect(certificate.subject).toBe('O=system:nodes\nO=other\nCN=system:node:n1');
    expect(certificate.subjectAltName).toBe(
      'DNS:localhost, DNS:n1, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, IP Address:10.0.1.11, IP Address:FD00:0:0:0:0:0:0:1',
    );
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
    expect(certificate.ca).toBe(false);
    expect(certificate.checkIssued(new X509Certificate(ca.certPem))).toBe(true);
    expect(certificate.checkPrivateKey(createPrivateKey(leaf.keyPem))).toBe(true);
  });

  it('takes names literally, whatever they look like', async () => {
    const names = { commonName: 'a, O=b "c" #1', organizations: ['#0102', 'groß'] };
    const leaf = await ca.issue({ ...names, usages: ['client'] });
    const subject = new X509Certificate(leaf.certPem).toLegacyObject().subject;
    expect(subject).toMatchObject({ CN: names.commonName, O: names.organizations });
  });

  it('gives a client certificate no names, and a server no loopback names if told so', async () => {
    const client = await ca.issue({ commonName: 'agent', usages: ['client'] });
    const server = await ca.issue({
      commonName: 's',
      dnsNames: ['other'],
      usages: ['server'],
      loopbackNames: false,
    });
    expect(new X509Certificate(client.certPem).subjectAltName).toBeUndefined();
    expect(new X509Certificate(server.certPem).subjectAltName).toBe('DNS:other');
  });

  it('backdates by five minutes and takes exact dates when given', async () => {
    const usual = new X509Certificate(
      (await ca.issue({ commonName: 'a', usages: ['client'], validDays: 1 })).certPem,
    );
    const ageMs = Date.now() - Date.parse(usual.validFrom);
    expect(ageMs).toBeGreaterThan(4 * 60_000);
    expect(ageMs).toBeLessThan(6 * 60_000);
    const notBefore = new Date('2020-01-01T00:00:00Z');
    const notAfter = new Date('2020-01-02T00:00:00Z');
    const old = new X509Certificate(
      (await ca.issue({ commonName: 'a', usages: ['client'], notBefore, notAfter })).certPem,
    );
    expect([Date.parse(old.validFrom), Date.parse(old.validTo)]).toEqual([
      notBefore.getTime(),
      notAfter.getTime(),
    ]);
  });

  it.each([
    [{ ipAddresses: ['10.0.0.300'] }, '"10.0.0.300" is not an IP address'],
    [{ dnsNames: ['a b'] }, '"a b" is not a DNS name'],
    [{ commonName: '' }, 'a certificate needs non-empty subject names'],
    [{ notAfter: new Date(0) }, 'a certificate must not end before it begins'],
    [{ validDays: Number.NaN }, 'a certificate must not end before it begins'],
  ])('refuses the request %o', async (wish, message) => {
    const request = { commonName: 'x', usages: ['server'] as const, ...wish };
    await expect(ca.issue(request)).rejects.toMatchObject({ code: 'CONFIG_INVALID', message });
  });
});

describe('loading an authority', () => {
  it('issues under the old key, so that old and new leaves share one CA', async () => {
    const again = await loadAuthority({ certPem: ca.certPem, keyPem: ca.keyPem });
    const leaf = await again.issue({ commonName: 'late', usages: ['client'] });
    const issuer = new X509Certificate(ca.certPem);
    expect(new X509Certificate(leaf.certPem).verify(issuer.publicKey)).toBe(true);
  });

  it('refuses a leaf, a foreign key and a key it cannot sign with', async () => {
    const leaf = await ca.issue({ commonName: 'x', usages: ['client'] });
    await expect(loadAuthority(leaf)).rejects.toMatchObject({
      code: 'CERT_INVALID',
      message: 'CA certificate: not a CA certificate',
    });
    await expect(loadAuthority({ certPem: ca.certPem, keyPem: leaf.keyPem })).rejects.toMatchObject({
      code: 'CERT_INVALID',
      message: 'CA key: the key does not match the certificate CA certificate',
    });
    const { privateKey } = generateKeyPairSync('ed25519');
    const keyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    await expect(loadAuthority({ certPem: ca.certPem, keyPem })).rejects.toMatchObject({
      code: 'CERT_INVALID',
    });
  });
});

describe('mutual TLS with issued certificates', () => {
  const handshake = async (server: KeyPair, client: KeyPair): Promise<string> => {
    const listener = createServer({
      cert: server.certPem,
      key: server.keyPem,
      ca: ca.certPem,
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.3',
    });
    listener.on('tlsClientError', () => undefined);
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const accepted = soon<TLSSocket>((resolve) => listener.once('secureConnection', resolve), 'connection');
    const { port } = listener.address() as AddressInfo;
    const socket = connect({
      host: '127.0.0.1',
      port,
      ca: ca.certPem,
      cert: client.certPem,
      key: client.keyPem,
    });
    socket.on('error', () => undefined);
    try {
      const failed = once(socket, 'error').then(([error]: unknown[]) => Promise.reject(error));
      const peer = await Promise.race([accepted, failed]);
      failed.catch(() => undefined);
      return String(peer.getPeerCertificate().subject.CN);
    } finally {
      socket.destroy();
      listener.close();
    }
  };

  it('is accepted on both sides and tells the server who the client is', async () => {
    const server = await ca.issue({ commonName: 'srv', usages: ['server'] });
    const client = await ca.issue({ commonName: 'system:konnectivity-agent', usages: ['client'] });
    expect(await handshake(server, client)).toBe('system:konnectivity-agent');
  });

  it('fails when the server certificate does not name the address dialled', async () => {
    const server = await ca.issue({
      commonName: 'srv',
      dnsNames: ['elsewhere'],
      usages: ['server'],
      loopbackNames: false,
    });
    const client = await ca.issue({ commonName: 'agent', usages: ['client'] });
    await expect(handshake(server, client)).rejects.toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  });

  it('fails when the server certificate is another authority’s', async () => {
    const stranger = await createAuthority({ commonName: 'test-ca' });
    const server = await stranger.issue({ commonName: 'srv', usages: ['server'] });
    const client = await ca.issue({ commonName: 'agent', usages: ['client'] });
    await expect(handshake(server, client)).rejects.toThrow();
  });
});
