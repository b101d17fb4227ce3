import { connect } from 'node:http2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Status } from '../../../src/apiserver/request/status.js';
import { once } from '../../support/waits.js';
import {
  caBundle,
  configure,
  patchOf,
  podOf,
  podsPath,
  startWebhook,
  type WebhookServer,
} from './admission-fixture.js';
import { type Credentials, call, makeCredentials, startTestApi, type TestApi } from './fixture.js';
import { send } from './send-body.js';

let credentials: Credentials;
let test: TestApi;
let server: WebhookServer;
/** The next answer of the webhook. */
let answer: object = { allowed: true };
beforeAll(async () => {
  credentials = await makeCredentials();
  const serving = await credentials.ca.issue({
    ...{ commonName: 'hook', ipAddresses: ['127.0.0.1'], usages: ['server'] },
  });
  test = await startTestApi(credentials);
  server = await startWebhook(serving, () => answer);
  const clientConfig = { url: `https://127.0.0.1:${server.port}/`, caBundle: caBundle(credentials) };
  await configure(test, 'Mutating', 'a', { name: 'a.hook.example', clientConfig });
});
afterAll(async () => {
  await test.close();
  await server.close();
});

const denied = 'admission webhook "a.hook.example" denied the request';
const failed = 'Internal error occurred: failed calling webhook "a.hook.example": failed to call webhook: ';
const misread = (type: string, field: string): string =>
  `${failed}json: cannot unmarshal ${type} into Go struct field ${field}`;
const refuse = (status: object): object => ({ allowed: false, status });

describe('the client gets an answer for any answer of a webhook', () => {
  it.each<[string, object, number, string]>([
    ['a code below 400', refuse({ code: -7 }), 400, `${denied} without explanation`],
    ['a code beyond 599', refuse({ code: 777, message: 'no' }), 777, `${denied}: no`],
    [
      'a code of four digits',
      refuse({ code: 1000 }),
      500,
      'This request caused apiserver to panic. Look in the logs for details.',
    ],
    [
      'a code of five',
      refuse({ code: 99999 }),
      500,
      'This request caused apiserver to panic. Look in the logs for details.',
    ],
    [
      'a code that is too large',
      refuse({ code: 3e9 }),
      500,
      misread('number 3000000000', 'Status.response.status.code of type int32'),
    ],
    [
      'a code as text',
      refuse({ code: '403' }),
      500,
      misread('string', 'Status.response.status.code of type int32'),
    ],
    [
      'a time to come back as text',
      refuse({ details: { retryAfterSeconds: '1\r\nx: y' } }),
      500,
      misread('string', 'StatusDetails.response.status.details.retryAfterSeconds of type int32'),
    ],
    [
      'a status that is a list',
      refuse([]),
      500,
      misread('array', 'AdmissionResponse.response.status of type v1.Status'),
    ],
    [
      'allowed as text',
      { allowed: 'yes' },
      500,
      misread('string', 'AdmissionResponse.response.allowed of type bool'),
    ],
    [
      'warnings that are no list',
      { allowed: true, warnings: 'w' },
      500,
      misread('string', 'AdmissionResponse.response.warnings of type []string'),
    ],
    [
      'a patch that is not base64',
      { allowed: true, patchType: 'JSONPatch', patch: 'a_b=' },
      500,
      `${failed}illegal base64 data at input byte 1`,
    ],
    [
      'a patch that doubles',
      patchOf(
        { op: 'add', path: '/spec/x', value: ['x'.repeat(100)] },
        ...Array.from({ length: 29 }, () => ({ op: 'copy', from: '/spec/x', path: '/spec/x/-' })),
      ),
      500,
      'Internal error occurred: Unable to complete the copy, the accumulated size increase of copy is',
    ],
    [
      'JSON nested too deep',
      { raw: '{"a":'.repeat(200_000) },
      500,
      `${failed}couldn't get version/kind; json parse error: `,
    ],
    ['bytes that are no text', { raw: Buffer.from([0xff, 0xfe, 0]) }, 500, failed],
    ['a redirect', { code: 302, raw: '' }, 500, failed],
  ])('%s', async (_name, given, code, message) => {
    answer = given;
    const { status, json } = await send(test, 'POST', podsPath, podOf('web'));
    expect(status).toBe(code);
    expect(json()).toMatchObject({
      kind: 'Status',
      code,
      message: expect.stringContaining(message) as string,
    });
    expect((await call(test, '/healthz')).text).toBe('ok');
  });

  it('over HTTP/2 too, which has no codes above 599', async () => {
    answer = refuse({ code: 777, message: 'no' });
    const { ca, admin } = credentials;
    const session = connect(`https://${test.api.address}`, {
      ca: ca.certPem,
      cert: admin.certPem,
      key: admin.keyPem,
    });
    session.on('error', () => undefined);
    const stream = session.request({
      ':method': 'POST',
      ':path': podsPath,
      'content-type': 'application/json',
    });
    stream.end(JSON.stringify(podOf('web')));
    const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
    const body = JSON.parse((await stream.toArray()).join('')) as Status;
    session.close();
    expect([headers[':status'], body.code]).toEqual([500, 777]);
  });
});

describe('warnings of a webhook', () => {
  const warningsOf = async (...warnings: string[]): Promise<readonly string[]> => {
    answer = { allowed: true, warnings };
    const { status, headers } = await send(test, 'POST', `${podsPath}?dryRun=All`, podOf('web'));
    expect(status).toBe(201);
    const header = Buffer.from(String(headers['warning'] ?? ''), 'latin1').toString();
    return header === '' ? [] : header.split(', ');
  };

  it('are sent once each, quoted, in UTF-8, except those that are empty or have control characters', async () => {
    const given = ['a', 'a', '', 'nul\0', 'line\n', '\u0085', 'say "hi" \\', 'Grüße 漢字 🦀'];
    expect(await warningsOf(...given)).toEqual([
      '299 - "a"',
      '299 - "say \\"hi\\" \\\\"',
      '299 - "Grüße 漢字 🦀"',
    ]);
  });

  it('are cut to 256 characters when they have more than 4096 together, and the rest is dropped', async () => {
    expect(await warningsOf('short', 'x'.repeat(2_000_000))).toEqual([
      '299 - "short"',
      `299 - "${'x'.repeat(256)}"`,
    ]);
    const many = await warningsOf(
      ...Array.from({ length: 1000 }, (_, index) => `${index}${'y'.repeat(300)}`),
    );
    expect(many).toHaveLength(16);
  });
});
