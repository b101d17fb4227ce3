import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { renderKubeconfig, writeKubeconfig } from '../../../src/apiserver/kubeconfig.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kubeconfig-'));
});
afterEach(() => rm(folder, { recursive: true }));

const common = { name: 'lab', server: 'https://127.0.0.1:6443', caPem: 'CA' };

describe('a kubeconfig', () => {
  it('holds the certificates, the context and the namespace', () => {
    const credential = { certPem: 'CERT', keyPem: 'KEY' };
    const config = load(renderKubeconfig({ ...common, credential, namespace: 'team' }));
    expect(config).toMatchObject({
      'current-context': 'lab',
      clusters: [{ name: 'lab', cluster: { server: common.server, 'certificate-authority-data': 'Q0E=' } }],
      contexts: [{ name: 'lab', context: { cluster: 'lab', user: 'lab', namespace: 'team' } }],
      users: [{ name: 'lab', user: { 'client-certificate-data': 'Q0VSVA==', 'client-key-data': 'S0VZ' } }],
    });
  });

  it('can hold a token instead', () => {
    const config = load(renderKubeconfig({ ...common, credential: { token: 'secret' } }));
    expect(config).toMatchObject({ users: [{ name: 'lab', user: { token: 'secret' } }] });
  });

  it('is written readable only by its owner', async () => {
    const path = join(folder, 'config');
    await writeKubeconfig(path, { ...common, credential: { token: 'secret' } });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readFile(path, 'utf8')).toContain('token: secret');
  });

  it('that cannot be written fails with one clear error', async () => {
    const path = join(folder, 'missing', 'config');
    const writing = writeKubeconfig(path, { ...common, credential: { token: 'x' } });
    await expect(writing).rejects.toMatchObject({ code: 'FILE_UNWRITABLE', where: path });
  });
});
