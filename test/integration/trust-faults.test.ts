import { afterEach, describe, expect, it } from 'vitest';
import type { FaultAction, Lab, LabOptions } from '../../src/index.js';
import { startLab } from '../../src/index.js';
import { askApi } from '../support/ask-api.js';
import { eventually, waitMs } from '../support/waits.js';

const labs: Lab[] = [];
afterEach(async () => {
  for (const lab of labs.splice(0)) await lab.stop();
});

async function start(options: LabOptions = {}): Promise<Lab> {
  const lab = await startLab({ nodes: 1, ...options });
  labs.push(lab);
  return lab;
}

const hostname = async (lab: Lab): Promise<string> => (await lab.exec('web-1', ['hostname'])).stdout.trim();
const refusal = (lab: Lab): Promise<string> => hostname(lab).catch((error: Error) => error.message);
const causes = (lab: Lab): string[] => lab.explain().causes.map(({ cause }) => cause);

/** What `kubectl logs` gets from the API server, with its status. */
async function logs(lab: Lab): Promise<string> {
  const { status, text } = await askApi(lab, '/api/v1/namespaces/default/pods/web-1/log');
  return status < 400 ? 'logs' : `${status} ${(JSON.parse(text) as { message: string }).message}`;
}

describe('what is wrong with a certificate is found at the next reconnect', () => {
  it('and not before', async () => {
    const lab = await start({ timeScale: 5 });
    const fault = lab.part('agent/node-1').fault({ do: { certificate: { is: 'expired' } } });
    expect(await hostname(lab)).toBe('web-1');
    expect(fault.hits).toBe(0);
    const since = lab.mark();
    lab.link('agent/*', 'server/*').fault({ do: 'reset' });
    await fault.firstHit({ withinMs: waitMs * lab.timeScale });
    await lab.waitFor(
      { kind: 'agent.retry', code: 'TLS_REJECTED' },
      { since, withinMs: waitMs * lab.timeScale },
    );
    expect(await refusal(lab)).toBe('No agent available');
    expect(causes(lab)).toContain('agent-certificate');
    fault.remove();
    await eventually(async () => expect(await hostname(lab)).toBe('web-1'));
  });

  it.each<[string, FaultAction, RegExp]>([
    ['agent', { certificate: { is: 'notYetValid' } }, /do both ends speak TLS/],
    ['agent', { certificate: { is: 'otherCa' } }, /do both ends speak TLS/],
    ['agent', { trusts: { ca: 'other' } }, /x509: certificate signed by unknown authority/],
    ['agent', { trusts: { ca: 'malformed' } }, /the CA ends in the middle of a certificate/],
    ['agent', { tls: { alpn: 'http/1.1' } }, /remote error: tls: no application protocol/],
    ['server', { certificate: { is: 'expired' } }, /x509: certificate has expired or is not yet valid/],
    ['server', { trusts: { ca: 'malformed' } }, /do both ends speak TLS/],
    ['server', { clock: { offset: '9000h' } }, /do both ends speak TLS/],
  ])('of %s/…, %j', async (role, action, error) => {
    const lab = await start({ timeScale: 5 });
    const since = lab.mark();
    lab.fault({ on: { part: `${role}/*` }, do: action });
    lab.fault({ on: { from: 'agent/*', to: 'server/*' }, do: 'reset' });
    await lab.waitFor({ kind: 'agent.retry', error }, { since, withinMs: waitMs * lab.timeScale });
    expect(await refusal(lab)).toBe('No agent available');
    expect(causes(lab)).toContain('agent-certificate');
  });

  it('unless both ends have the new CA', async () => {
    const lab = await start({ timeScale: 5 });
    const since = lab.mark();
    lab.fault({ on: { part: 'agent/*' }, do: { certificate: { is: 'otherCa' } } });
    lab.fault({ on: { part: 'server/*' }, do: { trusts: { ca: 'other' } } });
    lab.fault({ on: { from: 'agent/*', to: 'server/*' }, do: 'reset' });
    await lab.waitFor({ kind: 'backend.connected' }, { since, withinMs: waitMs * lab.timeScale });
    expect(await hostname(lab)).toBe('web-1');
  });
});

describe('a kubelet', () => {
  const x509 = 'tls: failed to verify certificate: x509:';
  const expired = `${x509} certificate has expired or is not yet valid`;

  it.each<[string, FaultAction, string]>([
    ['kubelet/*', { certificate: { is: 'expired' } }, expired],
    ['kubelet/*', { certificate: { is: 'notYetValid' } }, expired],
    ['kubelet/*', { certificate: { is: 'otherCa' } }, `${x509} certificate signed by unknown authority`],
    ['apiserver/*', { trusts: { ca: 'other' } }, `${x509} certificate signed by unknown authority`],
    ['apiserver/*', { clock: { offset: '-1h' } }, `${expired}: current time `],
  ])('is not trusted: of %s, %j', async (part, action, text) => {
    const lab = await start();
    using fault = lab.fault({ on: { part }, do: action });
    expect(await logs(lab)).toContain(
      `500 Get "https://10.0.1.11:10250/containerLogs/default/web-1/web": ${text}`,
    );
    expect(causes(lab)).toEqual(['kubelet-tls', 'fault-hit'].slice(0, causes(lab).length));
    expect(fault.hits).toBe(1);
    fault.remove();
    expect(await logs(lab)).toBe('logs');
  });

  it.each<[FaultAction, string, string]>([
    [
      { answer: { status: 401 } },
      '401 the server has asked for the client to provide credentials',
      'kubelet-unauthorized',
    ],
    [
      { answer: { status: 403 } },
      '403 Forbidden (user=kube-apiserver-kubelet-client, verb=get, resource=nodes',
      'kubelet-forbidden',
    ],
    [{ answer: { status: 405 } }, '405 the server does not allow this method', 'kubelet-debug-off'],
    [{ answer: { status: 500, text: 'no disk' } }, '500 Internal error occurred: no disk', 'kubelet-failed'],
    [{ answer: { status: 503 } }, '503 the server is currently unable', 'kubelet-failed'],
    [{ clock: { offset: '-1h' } }, '401 the server has asked', 'kubelet-unauthorized'],
  ])('refuses: %j', async (action, text, cause) => {
    const lab = await start();
    lab.fault({ on: { part: 'kubelet/*' }, do: action });
    expect(await logs(lab)).toContain(text);
    expect(causes(lab)).toContain(cause);
    await expect(hostname(lab)).rejects.toThrow();
    expect(causes(lab)).toContain(cause);
  });

  it('is slow to answer, and the dial is not', async () => {
    const lab = await start();
    const since = lab.mark();
    lab.part('kubelet/node-1').fault({ do: { slow: { at: 'answer', delay: '300ms' } }, limit: 1 });
    expect(await logs(lab)).toBe('logs');
    const opened = await lab.waitFor({ kind: 'dial.established', node: 'apiserver/main' }, { since });
    const begun = await lab.waitFor({ kind: 'request.started', node: 'kubelet/node-1' }, { since });
    expect(begun.t - opened.t).toBeGreaterThan(250);
  });
});

describe('the token of an agent', () => {
  it.each([
    ['expired', /service account token has expired/],
    ['notYetValid', /service account token is not valid yet/],
  ] as const)('is %s', async (is, error) => {
    const lab = await start({ agentTokens: true, timeScale: 5 });
    const fault = lab.part('agent/node-1').fault({ do: { token: { is } } });
    expect(await hostname(lab)).toBe('web-1');
    const since = lab.mark();
    lab.link('agent/*', 'server/*').fault({ do: 'reset' });
    await lab.waitFor(
      { kind: 'peer.refused', peer: 'agent/node-1', error },
      { since, withinMs: waitMs * lab.timeScale },
    );
    expect(await refusal(lab)).toBe('No agent available');
    expect(causes(lab)).toContain('agent-token');
    fault.remove();
    await eventually(async () => expect(await hostname(lab)).toBe('web-1'));
    expect(JSON.stringify(lab.events())).not.toContain('Bearer');
  });
});

it('an API server that was started again judges tokens by the time of the lab', async () => {
  const lab = await start({ agentTokens: true });
  lab.timeScale = 100_000;
  await lab.sleep(3 * 3_600_000);
  lab.timeScale = 5;
  await lab.apiserver().kill();
  await lab.apiserver().start();
  await lab.part('agent/node-1').restart();
  expect(await hostname(lab)).toBe('web-1');
});
