import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { renderKubeconfig } from '../../../src/apiserver/kubeconfig.js';
import { ManualClock } from '../../../src/core/clock.js';
import { TunnelError } from '../../../src/core/errors.js';
import { inClusterAccess } from '../../../src/kube/in-cluster.js';
import { readKubeconfig } from '../../../src/kube/kubeconfig.js';

const clock = new ManualClock();
const base64 = (text: string): string => Buffer.from(text).toString('base64');
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ks-kube-'));
});
afterEach(() => rm(folder, { recursive: true }));

interface Parts {
  readonly cluster?: object;
  readonly user?: object;
}

async function written({ cluster = {}, user = {} }: Parts = {}, over: object = {}): Promise<string> {
  const path = join(folder, 'kubeconfig');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server: 'https://10.0.0.1:6443/base/', ...cluster } }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
    ...over,
  };
  await writeFile(path, dump(config));
  return path;
}

async function failure(work: () => unknown): Promise<{ code: string; message: string }> {
  try {
    await work();
  } catch (caught) {
    if (caught instanceof TunnelError) return { code: caught.code, message: caught.message };
    throw caught;
  }
  throw new Error('it did not fail');
}

describe('a kubeconfig', () => {
  it('gives the access that its current context names', async () => {
    const path = await written({
      cluster: { 'certificate-authority-data': base64('CA'), 'tls-server-name': 'kubernetes' },
      user: { 'client-certificate-data': base64('CERT'), 'client-key-data': base64('KEY') },
    });
    const access = await readKubeconfig(path, { clock });
    expect(access.server.href).toBe('https://10.0.0.1:6443/base/');
    expect(access.tls()).toEqual({ ca: 'CA', cert: 'CERT', key: 'KEY', serverName: 'kubernetes' });
    expect(access.headers()).toEqual({});
  });

  it('is read as the lab writes it', async () => {
    const path = join(folder, 'lab');
    const credential = { certPem: 'CERT', keyPem: 'KEY' };
    const server = 'https://127.0.0.1:1';
    await writeFile(path, renderKubeconfig({ name: 'lab', server, caPem: 'CA', credential }));
    expect((await readKubeconfig(path, { clock })).tls()).toEqual({ ca: 'CA', cert: 'CERT', key: 'KEY' });
  });

  it('names files beside it: they are read again after a minute, and their last text stays in use when they go away', async () => {
    await mkdir(join(folder, 'pki'));
    await writeFile(join(folder, 'pki/ca.crt'), 'CA1');
    await writeFile(join(folder, 'token'), 'first\n');
    const cluster = { 'certificate-authority': 'pki/ca.crt' };
    const access = await readKubeconfig(await written({ cluster, user: { tokenFile: 'token' } }), { clock });
    const now = () => [access.tls().ca, access.headers()['authorization']];
    expect(now()).toEqual(['CA1', 'Bearer first']);
    await writeFile(join(folder, 'pki/ca.crt'), 'CA2');
    await writeFile(join(folder, 'token'), 'second');
    expect(now()).toEqual(['CA1', 'Bearer first']);
    clock.advance(60_000);
    expect(now()).toEqual(['CA2', 'Bearer second']);
    await rm(join(folder, 'token'));
    clock.advance(60_000);
    expect(now()).toEqual(['CA2', 'Bearer second']);
  });

  it.each([
    [{ token: 'abc' }, { authorization: 'Bearer abc' }],
    [{ username: 'u', password: 'p:w' }, { authorization: `Basic ${base64('u:p:w')}` }],
    [
      { token: 'abc', as: 'jane', 'as-uid': '7', 'as-groups': ['a', 'b'] },
      {
        authorization: 'Bearer abc',
        'impersonate-user': 'jane',
        'impersonate-uid': '7',
        'impersonate-group': ['a', 'b'],
      },
    ],
  ])('turns %o into headers', async (user, headers) => {
    expect((await readKubeconfig(await written({ user }), { clock })).headers()).toEqual(headers);
  });

  it('may accept any certificate', async () => {
    const cluster = { 'insecure-skip-tls-verify': true };
    expect((await readKubeconfig(await written({ cluster }), { clock })).tls()).toEqual({ insecure: true });
  });

  it('accepts another context by name, and lists that are null', async () => {
    const contexts = [{ name: 'other', context: { cluster: 'c' } }];
    const path = await written({}, { contexts, users: null, 'current-context': 'x' });
    expect((await readKubeconfig(path, { clock, context: 'other' })).headers()).toEqual({});
  });

  it.each<[Parts, RegExp]>([
    [{ user: { exec: { command: 'aws' } } }, /exec is not supported/],
    [{ user: { 'auth-provider': { name: 'gcp' } } }, /auth-provider is not supported/],
    [{ cluster: { 'proxy-url': 'http://p' } }, /proxy-url is not supported/],
    [{ cluster: { server: 'ftp://h' } }, /server must be https:\/\/HOST:PORT, got "ftp:\/\/h"/],
    [{ cluster: { server: '' } }, /server must be https/],
    [{ user: { token: 't', username: 'u' } }, /may be set, but not both/],
    [{ user: { token: 'a\nb' } }, /not one word of printable ASCII/],
    [{ user: { 'client-key-data': base64('K') } }, /needs both client-certificate and client-key/],
    [{ cluster: { 'certificate-authority-data': 'no base64!' } }, /certificate-authority-data is not base64/],
    [
      { cluster: { 'certificate-authority-data': base64('C'), 'insecure-skip-tls-verify': true } },
      /with the insecure flag is not allowed/,
    ],
    [{ cluster: { server: 7 } }, /clusters\.0\.cluster\.server/],
  ])('with %o is refused with one clear error', async (parts, text) => {
    const path = await written(parts);
    const { code, message } = await failure(() => readKubeconfig(path, { clock }));
    expect(code).toBe('CONFIG_INVALID');
    expect(message).toMatch(text);
  });

  it.each([
    [{ 'current-context': 'y' }, 'context "y" does not exist'],
    [{ clusters: [] }, 'cluster "c" does not exist'],
    [{ users: [] }, 'auth info "u" does not exist'],
    [{ 'current-context': '' }, 'no current-context'],
  ])('with names that lead nowhere (%o) is refused', async (over, text) => {
    const path = await written({}, over);
    expect((await failure(() => readKubeconfig(path, { clock }))).message).toBe(`${path}: ${text}`);
  });

  it('that is missing, not YAML or empty is refused, and the error quotes nothing of it', async () => {
    expect((await failure(() => readKubeconfig(join(folder, 'no'), { clock }))).code).toBe('FILE_UNREADABLE');
    const path = join(folder, 'broken');
    await writeFile(path, 'users: [secret-token\n');
    const { code, message } = await failure(() => readKubeconfig(path, { clock }));
    expect([code, message.includes('secret')]).toEqual(['CONFIG_INVALID', false]);
    await writeFile(path, '');
    expect((await failure(() => readKubeconfig(path, { clock }))).message).toMatch(/no current-context/);
  });

  it('reports a file that cannot be read when it is needed', async () => {
    const access = await readKubeconfig(await written({ user: { tokenFile: 'gone' } }), { clock });
    expect((await failure(() => access.headers())).code).toBe('FILE_UNREADABLE');
  });
});

describe('the access of a pod', () => {
  it('is its service account, with the token as it is', async () => {
    await writeFile(join(folder, 'token'), 'one');
    await writeFile(join(folder, 'ca.crt'), 'CA');
    const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' };
    const access = inClusterAccess({ clock, env, folder });
    expect(access.server.href).toBe('https://[fd00::1]/');
    expect([access.tls(), access.headers()]).toEqual([{ ca: 'CA' }, { authorization: 'Bearer one' }]);
    await writeFile(join(folder, 'token'), 'two');
    clock.advance(60_000);
    expect(access.headers()).toEqual({ authorization: 'Bearer two' });
  });

  it('fails outside of a cluster, in client-go’s words, and without an account', async () => {
    expect(await failure(() => inClusterAccess({ clock, env: {}, folder }))).toEqual({
      code: 'CONFIG_INVALID',
      message:
        'unable to load in-cluster configuration, KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be defined',
    });
    const env = { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '443' };
    expect((await failure(() => inClusterAccess({ clock, env, folder }))).code).toBe('FILE_UNREADABLE');
  });
});
