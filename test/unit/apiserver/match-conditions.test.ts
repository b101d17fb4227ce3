import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Status } from '../../../src/apiserver/request/status.js';
import type { KeyPair } from '../../../src/pki/key-pair.js';
import {
  caBundle,
  configure,
  patchOf,
  podOf,
  podsPath,
  setLabel,
  startWebhook,
  type WebhookServer,
} from './admission-fixture.js';
import { type Credentials, makeCredentials, startTestApi, type TestApi } from './fixture.js';
import { send } from './send-body.js';

let credentials: Credentials;
let serving: KeyPair;
let test: TestApi;
let server: WebhookServer;
let isMutating = false;
beforeAll(async () => {
  credentials = await makeCredentials();
  serving = await credentials.ca.issue({
    commonName: 'hook',
    ipAddresses: ['127.0.0.1'],
    usages: ['server'],
  });
});
beforeEach(async () => {
  test = await startTestApi(credentials);
  server = await startWebhook(serving, (_asked, url) =>
    url.startsWith('/?') && isMutating ? patchOf(setLabel('seen', 'yes')) : { allowed: true },
  );
});
afterEach(async () => {
  await test.close();
  await server.close();
});

interface Condition {
  readonly name?: string;
  readonly expression?: string;
}

/** Stores a webhook with these conditions; texts alone are expressions. */
function conditions(
  wanted: readonly (string | Condition)[],
  more: object = {},
  kind: 'Mutating' | 'Validating' = 'Validating',
): Promise<void> {
  const matchConditions = wanted.map((each, index) =>
    typeof each === 'string' ? { name: `c${index}`, expression: each } : each,
  );
  isMutating = kind === 'Mutating';
  const clientConfig = { url: `https://127.0.0.1:${server.port}/`, caBundle: caBundle(credentials) };
  return configure(test, kind, 'a', { name: 'a.hook.example', clientConfig, matchConditions, ...more });
}

async function create(name: string, labels: Record<string, string> = {}): Promise<Status> {
  return (await send(test, 'POST', podsPath, podOf(name, labels))).json<Status & Record<string, unknown>>();
}

const asked = (): readonly string[] => server.seen.map(({ request }) => request.name);

describe('match conditions', () => {
  it('call a webhook only for writes for which all of them are true', async () => {
    await conditions([
      'object.metadata.?labels.?app.orValue("") == "web"',
      'request.operation == "CREATE" && oldObject == null',
      '!request.userInfo.groups.exists(group, group == "system:nodes")',
      'object.spec.terminationGracePeriodSeconds + 1 == 31',
    ]);
    await create('web', { app: 'web' });
    await create('other', { app: 'other' });
    await create('plain');
    expect(asked()).toEqual(['web']);
  });

  it('also work for mutating webhooks, and see the changes of earlier ones', async () => {
    await conditions(['object.metadata.name != "other"'], {}, 'Mutating');
    const clientConfig = { url: `https://127.0.0.1:${server.port}/second`, caBundle: caBundle(credentials) };
    const matchConditions = [{ name: 'seen', expression: 'object.metadata.?labels.?seen.hasValue()' }];
    await configure(test, 'Validating', 'b', { name: 'b.hook.example', clientConfig, matchConditions });
    await create('other');
    await create('web');
    expect(server.seen.map(({ url, request }) => `${url} ${request.name}`)).toEqual([
      '/?timeout=10s web',
      '/second?timeout=10s web',
    ]);
  });

  it('can ask the authorizer about the writer, about others, and about paths', async () => {
    await conditions([
      'authorizer.requestResource.check("create").allowed()',
      'authorizer.group("apps").resource("deployments").namespace("default").name("x").check("get").allowed()',
      'authorizer.path("/metrics").check("get").allowed()',
      '!authorizer.serviceAccount("default", "default").group("").resource("pods").check("delete").allowed()',
    ]);
    await create('web');
    expect(asked()).toEqual(['web']);
  });

  it('fail the write when one cannot be evaluated, unless another is false', async () => {
    await conditions(['true', 'object.metadata.labels.zap == "x"', 'object.spec.zap > 1']);
    expect(await create('web', { app: 'web' })).toMatchObject({
      ...{ code: 403, reason: 'Forbidden' },
      message:
        'pods "web" is forbidden: [expression \'object.metadata.labels.zap == "x"\' resulted in error: no such key: zap, ' +
        "expression 'object.spec.zap > 1' resulted in error: no such key: zap]",
    });
    expect(asked()).toEqual([]);
  });

  it('that cannot be evaluated are ignored when another one is false', async () => {
    await conditions(['object.zap == 1', 'false']);
    expect(await create('web')).toMatchObject({ kind: 'Pod' });
    expect(asked()).toEqual([]);
  });

  it('that cannot be evaluated skip a webhook whose failures are ignored', async () => {
    await conditions(['object.zap == 1'], { failurePolicy: 'Ignore' });
    expect(await create('web')).toMatchObject({ kind: 'Pod' });
    expect(asked()).toEqual([]);
  });

  it('that never end are stopped', async () => {
    const list = JSON.stringify(Array.from({ length: 900 }, (_, index) => index));
    await conditions([`${list}.all(a, ${list}.all(b, ${list}.all(c, a + b + c >= 0)))`]);
    const { code, message } = await create('web');
    expect(code).toBe(403);
    expect(message).toMatch(/resulted in error: operation cancelled: actual cost limit exceeded$/);
  });

  it('share one budget for any number of conditions and webhooks', async () => {
    const list = JSON.stringify(Array.from({ length: 900 }, (_, index) => index));
    const endless = `${list}.all(a, ${list}.all(b, ${list}.all(c, a + b + c >= 0)))`;
    const text =
      'pods "web" is forbidden: validation failed due to running out of cost budget, no further validation rules will be run';
    await conditions(Array<string>(64).fill(endless));
    expect(await create('web')).toMatchObject({ code: 403, reason: 'Forbidden', message: text });
    await conditions([endless, 'true'], { failurePolicy: 'Ignore' }, 'Mutating');
    expect(await create('web')).toMatchObject({ code: 403, message: text });
    expect(asked()).toEqual([]);
  });
});

describe('a configuration is refused', () => {
  const field = 'webhooks[0].matchConditions[0]';
  it.each([
    [
      'zap == 1',
      `${field}.expression: Invalid value: "zap == 1": compilation failed: ERROR: <input>:1:1: undeclared reference to 'zap' (in container '')\n | zap == 1\n | ^`,
    ],
    ['request.zap == 1', `ERROR: <input>:1:9: undefined field 'zap'\n | request.zap == 1\n | ........^`],
    ['"a" < 1', "found no matching overload for '_<_' applied to '(string, int)'"],
    ['"a".startsWith(1)', "found no matching overload for 'startsWith' applied to 'string.(int)'"],
    ['quantity("1Gi") == null', "undeclared reference to 'quantity' (in container '')"],
    ['1 +', 'compilation failed: ERROR: <input>:1:4: Syntax error: '],
    ['"yes"', `${field}.expression: Invalid value: "\\"yes\\"": must evaluate to bool but got string`],
    ['object.spec.hostNetwork', 'must evaluate to bool but got dyn'],
    [' ', `${field}.expression: Required value`],
    [{ expression: 'true' }, `${field}.name: Required value`],
    [{ name: 'no name', expression: 'true' }, `${field}.name: Invalid value: "no name": name part must`],
  ])('with condition %j', async (condition, text) => {
    const refused = await conditions([condition]).catch((caught: unknown) => caught);
    expect(refused).toBeInstanceOf(Error);
    const { code, message } = JSON.parse((refused as Error).message) as Status;
    expect(code).toBe(422);
    expect(message).toContain('ValidatingWebhookConfiguration.admissionregistration.k8s.io "a" is invalid: ');
    expect(message).toContain(text);
  });

  it('with two conditions of the same name, and with more than 64', async () => {
    const twice = ['true', 'false'].map((expression) => ({ name: 'c', expression }));
    await expect(conditions(twice)).rejects.toThrow(
      'webhooks[0].matchConditions[1].name: Duplicate value: \\"c\\"',
    );
    await expect(conditions(Array.from({ length: 65 }, () => 'true'))).rejects.toThrow(
      'webhooks[0].matchConditions: Too many: 65: must have at most 64 items',
    );
  });
});
