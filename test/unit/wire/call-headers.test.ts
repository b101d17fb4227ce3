import { constants as h2 } from 'node:http2';
import { status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import {
  answerFault,
  extensionMetadata,
  httpFault,
  requestFault,
  requestHeaders,
  resetStatus,
  sharedExtensions,
  statusIn,
  timeoutMs,
  trailersOf,
} from '../../../src/wire/carrier/call-headers.js';

const request = { ':method': 'POST', ':path': '/AgentService/Connect', 'content-type': 'application/grpc' };

const malformed = (text: string) => ({
  code: status.UNKNOWN,
  details: `transport: malformed grpc-status: strconv.ParseInt: parsing "${text}": invalid syntax`,
});

describe('the last fields of a call', () => {
  it.each([
    ['', undefined],
    ['plain text', 'plain text'],
    ['100 % ü\n', '100 %25 %C3%BC%0A'],
  ])('carry %j and give it back', (details, written) => {
    const trailers = trailersOf({ code: status.UNKNOWN, details });
    expect(trailers['grpc-message']).toBe(written);
    expect(statusIn(trailers as Record<string, string>)).toEqual({ code: status.UNKNOWN, details });
  });

  it.each([
    [{ 'grpc-status': '99' }, { code: status.UNKNOWN, details: '' }],
    [{ 'grpc-status': '' }, malformed('')],
    [{ 'grpc-status': 'x' }, malformed('x')],
    [
      { 'grpc-status': '0', 'grpc-message': 'a%2' },
      { code: status.OK, details: 'a%2' },
    ],
    [{}, undefined],
  ])('are read although they are odd: %j', (headers, expected) => {
    expect(statusIn(headers)).toEqual(expected);
  });
});

describe('the field with the extensions', () => {
  it('R31: names those that both ends have, among words that they do not know', () => {
    const offered = { 'x-knp-ext': 'mux1, ids1,fc1' };
    expect(sharedExtensions(offered, ['fc1', 'ids1'])).toEqual(['fc1', 'ids1']);
    expect(sharedExtensions(offered, ['fc1'])).toEqual(['fc1']);
    expect(sharedExtensions({ 'x-knp-ext': 'ids10' }, ['ids1'])).toEqual([]);
    expect(sharedExtensions({}, ['ids1'])).toEqual([]);
  });

  it('is absent where there is none', () => {
    expect([extensionMetadata([]), extensionMetadata(['fc1', 'ids1'])]).toEqual([
      {},
      { 'x-knp-ext': 'fc1,ids1' },
    ]);
  });
});

describe('a request', () => {
  it('as we send it is one that we take', () => {
    const sent = requestHeaders('Connect', { agentid: 'a' }) as Record<string, string>;
    expect([httpFault(sent), requestFault(sent, 'Connect')]).toEqual([undefined, undefined]);
  });

  it.each([
    [{ ':method': 'GET' }, h2.HTTP_STATUS_METHOD_NOT_ALLOWED],
    [{ 'content-type': 'text/html' }, h2.HTTP_STATUS_UNSUPPORTED_MEDIA_TYPE],
    [{ 'content-type': 'application/grpc-web' }, h2.HTTP_STATUS_UNSUPPORTED_MEDIA_TYPE],
    [{ 'content-type': 'application/grpc+proto' }, undefined],
  ])('with %j is no gRPC call', (change, code) => {
    expect(httpFault({ ...request, ...change })).toBe(code);
  });

  it.each([
    [{ ':path': '/AgentService/Other' }, 'unknown method Other for service AgentService'],
    [{ ':path': '/ProxyService/Proxy' }, 'unknown service ProxyService'],
    [{ ':path': '/x' }, 'unknown service '],
    [{ 'grpc-encoding': 'gzip' }, 'grpc: Decompressor is not installed for grpc-encoding "gzip"'],
  ])('with %j is refused', (change, details) => {
    expect(requestFault({ ...request, ...change }, 'Connect')).toEqual({
      code: status.UNIMPLEMENTED,
      details,
    });
  });

  it.each([
    ['5S', 5000],
    ['1H', 3_600_000],
    ['2M', 120_000],
    ['50m', 50],
    ['7u', 0.007],
    ['123456789S', undefined],
    ['5', undefined],
  ])('waits for %j', (text, expected) => {
    expect(timeoutMs({ 'grpc-timeout': text })).toBe(expected);
  });
});

describe('an answer', () => {
  it.each<[object, string | undefined]>([
    [{ ':status': 200, 'content-type': 'application/grpc' }, undefined],
    [
      { ':status': 503 },
      'unexpected HTTP status code received from server: 503 (Service Unavailable); malformed header: missing HTTP content-type',
    ],
    [
      { ':status': 502, 'content-type': 'text/html' },
      'unexpected HTTP status code received from server: 502 (Bad Gateway); transport: received unexpected content-type "text/html"',
    ],
    [
      { ':status': 200, 'content-type': 'text/html' },
      'transport: received unexpected content-type "text/html"',
    ],
    [{ ':status': 200 }, 'malformed header: missing HTTP content-type'],
  ])('%j', (headers, details) => {
    expect(answerFault(headers as Parameters<typeof answerFault>[0])?.details).toBe(details);
  });

  it.each([
    [h2.NGHTTP2_NO_ERROR, status.INTERNAL, 'server closed the stream without sending trailers'],
    [h2.NGHTTP2_CANCEL, status.CANCELLED, 'stream terminated by RST_STREAM with error code: CANCEL'],
    [h2.NGHTTP2_REFUSED_STREAM, status.UNAVAILABLE, /REFUSED_STREAM$/],
    [0x99, status.UNKNOWN, /unknown error code 0x99$/],
  ])('that is the reset %i', (reset, code, details) => {
    expect(resetStatus(reset)).toEqual({ code, details: expect.stringMatching(details) as string });
  });
});
