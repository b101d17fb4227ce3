import { createPrivateKey } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { connect, createServer, getCiphers } from 'node:tls';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  cipherSuiteFault,
  cipherSuiteNames,
  type TlsLimits,
  tlsLimits,
} from '../../../src/dropin/server/tls-limits.js';
import { type Authority, createAuthority } from '../../../src/pki/authority.js';
import type { KeyPair } from '../../../src/pki/key-pair.js';
import { once } from '../../support/waits.js';

let ca: Authority;
let leaf: KeyPair;
beforeAll(async () => {
  ca = await createAuthority({ commonName: 'test-ca' });
  leaf = await ca.issue({ commonName: 'server', dnsNames: ['localhost'], usages: ['server'] });
});

/** The protocol and cipher of a handshake between a server with limits and a client, or `refused`. */
async function handshake(
  limits: TlsLimits,
  client: Partial<TlsLimits> & { readonly maxVersion?: 'TLSv1' | 'TLSv1.2' },
) {
  const server = createServer({ ...limits, cert: leaf.certPem, key: leaf.keyPem });
  server.on('tlsClientError', () => undefined);
  server.on('secureConnection', (socket) => socket.on('error', () => undefined));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const socket = connect({ ...client, port, host: '127.0.0.1', servername: 'localhost', ca: ca.certPem });
  try {
    await once(socket, 'secureConnect');
    return `${socket.getProtocol()} ${socket.getCipher().standardName}`;
  } catch {
    return 'refused';
  } finally {
    socket.destroy();
    server.close();
    await once(server, 'close');
  }
}

describe('cipher suites', () => {
  it('are known to OpenSSL under the names they are mapped to', () => {
    const known = new Set(getCiphers());
    const mapped = (tlsLimits('TLSv1.2', cipherSuiteNames).ciphers ?? '').split(':');
    expect(mapped).toHaveLength(13);
    for (const name of mapped) expect(known.has(name.toLowerCase()), name).toBe(true);
  });

  it('are taken by the names Go holds for secure only', () => {
    expect(cipherSuiteFault(cipherSuiteNames)).toBeUndefined();
    for (const name of ['', 'ECDHE-RSA-AES128-SHA', 'TLS_RSA_WITH_AES_128_CBC_SHA', 'TLS_FALLBACK_SCSV']) {
      expect(cipherSuiteFault([name])).toContain(`cipher suite ${name} not supported`);
    }
  });

  it('bind TLS 1.2 and leave TLS 1.3 alone', async () => {
    const suite = isEcdsa() ? 'TLS_ECDHE_ECDSA' : 'TLS_ECDHE_RSA';
    const limits = tlsLimits('TLSv1.2', [`${suite}_WITH_AES_256_GCM_SHA384`]);
    expect(await handshake(limits, { maxVersion: 'TLSv1.2' })).toBe(
      `TLSv1.2 ${suite}_WITH_AES_256_GCM_SHA384`,
    );
    const other = `${suite.includes('ECDSA') ? 'ECDHE-ECDSA' : 'ECDHE-RSA'}-AES128-GCM-SHA256`;
    expect(await handshake(limits, { maxVersion: 'TLSv1.2', ciphers: other })).toBe('refused');
    expect(await handshake(limits, {})).toMatch(/^TLSv1\.3 /);
  });
});

describe('the lowest TLS version', () => {
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'DEFAULT:@SECLEVEL=0' } as const;

  it('accepts old clients when it is low, and only then', async () => {
    expect(await handshake(tlsLimits('TLSv1', []), old)).toMatch(/^TLSv1 /);
    expect(await handshake(tlsLimits('TLSv1.2', []), old)).toBe('refused');
  });

  it('keeps TLS 1.2 out when it is 1.3', async () => {
    expect(await handshake(tlsLimits('TLSv1.3', []), { maxVersion: 'TLSv1.2' })).toBe('refused');
    expect(await handshake(tlsLimits('TLSv1.3', []), {})).toMatch(/^TLSv1\.3 /);
  });
});

function isEcdsa(): boolean {
  return createPrivateKey(leaf.keyPem).asymmetricKeyType === 'ec';
}
