import { describe, expect, it } from 'vitest';
import { transportText, unreachableCode } from '../../../src/wire/net/transport-text.js';

const wrapped = (text: string): string => `No connection established. Last error: ${text}. Resolution note: `;
const refused = 'dial tcp 127.0.0.1:8091: connect: connection refused';
const early = 'the connection was closed before HTTP/2 began: do both ends speak TLS and trust each other?';

describe('transportText', () => {
  it.each([
    [wrapped('Error: connect ECONNREFUSED 127.0.0.1:8091'), refused],
    [wrapped('Error: unable to verify the first certificate'), 'unable to verify the first certificate'],
    [
      wrapped('Error [ERR_TLS_CERT_ALTNAME_INVALID]: Hostname/IP does not match'),
      'Hostname/IP does not match',
    ],
    [wrapped('Failed to connect (2026-11-22T09:49:36.254Z)'), early],
    [wrapped('Protocol error (2026-11-22T09:49:36.254Z)'), early],
    [
      wrapped(
        'Error: 809C2C:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:../ssl3_record.c:350:\n',
      ),
      'tls: wrong version number',
    ],
    ['expected one agent ID in the context, got []', 'expected one agent ID in the context, got []'],
    ['Connection dropped', 'Connection dropped'],
    ['two\nlines', 'two lines'],
    ['', ''],
  ])('makes of %j one readable line', (details, text) => {
    expect(transportText(details)).toBe(text);
  });
});

describe('unreachableCode', () => {
  it.each([
    [refused, true, 'SERVER_UNREACHABLE'],
    ['unable to verify the first certificate', true, 'TLS_REJECTED'],
    ['tls: wrong version number', true, 'TLS_REJECTED'],
    [early, true, 'TLS_REJECTED'],
    [early, false, 'SERVER_UNREACHABLE'],
  ])('of %j (TLS %s) is %s', (text, secure, code) => {
    expect(unreachableCode(text, secure)).toBe(code);
  });
});
