import { describe, expect, it } from 'vitest';
import { TunnelError } from '../../../src/core/errors.js';
import { goBrokenText, goText } from '../../../src/core/go-texts.js';

describe('Node’s texts of failed connections in Go’s words', () => {
  it.each([
    ['read ECONNRESET', 'read: connection reset by peer'],
    ['write EPIPE', 'write: broken pipe'],
    ['write ECONNRESET', 'write: connection reset by peer'],
    ['read ETIMEDOUT', 'read: connection timed out'],
    ['connect ECONNREFUSED 127.0.0.1:8091', 'dial tcp 127.0.0.1:8091: connect: connection refused'],
    ['connect ECONNREFUSED ::1:8091', 'dial tcp [::1]:8091: connect: connection refused'],
    ['connect EHOSTUNREACH 10.0.0.1:1 - Local (0.0.0.0:0)', 'dial tcp 10.0.0.1:1: connect: no route to host'],
    ['connect ENOENT /run/a b.sock', 'dial unix /run/a b.sock: connect: no such file or directory'],
    ['getaddrinfo ENOTFOUND server.example', 'dial tcp: lookup server.example: no such host'],
    ['socket hang up', 'EOF'],
    ['Premature close', 'unexpected EOF'],
    ['write after end', 'use of closed network connection'],
  ])('%s', (text, expected) => {
    expect(goText(text)).toBe(expected);
    expect(TunnelError.from(new Error(text)).message).toBe(expected);
  });

  it('name both ends of a connection where they are known', () => {
    const ends = { network: 'tcp4', local: '127.0.0.1:40832', remote: '127.0.0.1:8080' };
    expect(goText('read ECONNRESET', ends)).toBe(
      'read tcp4 127.0.0.1:40832->127.0.0.1:8080: read: connection reset by peer',
    );
    expect(goText('write EPIPE', ends)).toBe(
      'write tcp4 127.0.0.1:40832->127.0.0.1:8080: write: broken pipe',
    );
  });

  it.each([
    'read: connection reset by peer',
    'cannot read ECONNRESET.md',
    'read EWHATEVER',
    "ENOENT: no such file or directory, open 'x'",
    'agent connection lost',
    '',
  ])('leave other texts as they are: %j', (text) => {
    expect(goText(text)).toBe(text);
  });

  it('are those of TLS, too, where a peer refuses a certificate', () => {
    const refused = Object.assign(new Error('a long text of OpenSSL'), {
      code: 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
    });
    expect(goBrokenText(refused)).toBe('remote error: tls: certificate required');
    expect(goBrokenText(new Error('read ECONNRESET'))).toBe('read: connection reset by peer');
  });
});
