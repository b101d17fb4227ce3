import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  authorityNames,
  authorityOf,
  type CertificateSet,
  createCertificateSet,
} from '../../../src/pki/certificate-set.js';
import { readKeyPair } from '../../../src/pki/files.js';
import { writePartFolders } from '../../../src/pki/part-folders.js';

let scratch: string;
let set: CertificateSet;
beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'konnsim-parts-'));
  set = await createCertificateSet({ nodes: [{ name: 'node-1' }, { name: 'node-2' }] });
});
afterEach(() => rm(scratch, { recursive: true, force: true }));

describe('folders for the parts of a cluster', () => {
  it('hold the pairs that a part shows and the CAs that it believes, and no key of a CA', async () => {
    await writePartFolders(scratch, set);
    const parts = (await readdir(scratch)).sort();
    expect(parts).toEqual(
      'agent apiserver kubelet-node-1 kubelet-node-2 middlebox observer server store'.split(' '),
    );
    const authorityFiles = new Set<string>(Object.keys(authorityNames).map((name) => `${name}.key`));
    for (const part of parts) {
      const files = await readdir(join(scratch, part));
      const leaves = files.filter((file) => file.endsWith('.key')).map((file) => file.slice(0, -4));
      expect(files.filter((file) => authorityFiles.has(file))).toEqual([]);
      const own = leaves.map((leaf) => `${authorityOf(leaf)}.crt`);
      // Agents and kubelets trust each other, for the way to pods.
      const isOnPodWay = part === 'agent' || part.startsWith('kubelet-');
      const authorities = new Set([...own, ...(isOnPodWay ? ['agent-ca.crt', 'ca.crt'] : [])]);
      const expected = [...leaves.flatMap((leaf) => [`${leaf}.crt`, `${leaf}.key`]), ...authorities];
      expect(files.sort()).toEqual(expected.sort());
    }
  });

  it('let a kubelet see its own key alone, for itself alone', async () => {
    await writePartFolders(scratch, set);
    const folder = join(scratch, 'kubelet-node-1');
    expect((await readdir(folder)).filter((file) => file.endsWith('.key'))).toEqual([
      'kubelet-node-1.key',
      'observe.key',
    ]);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect((await stat(join(folder, 'kubelet-node-1.key'))).mode & 0o777).toBe(0o600);
  });

  it('are brought up to date with a set that was renewed', async () => {
    await writePartFolders(scratch, set);
    const renewed = await createCertificateSet({ authorities: set.authorities });
    await writePartFolders(scratch, renewed);
    const paths = { certPath: join(scratch, 'agent/agent.crt'), keyPath: join(scratch, 'agent/agent.key') };
    expect(await readKeyPair(paths)).toEqual(renewed.leaves.agent);
    expect(await readFile(join(scratch, 'agent/agent-ca.crt'), 'utf8')).toBe(
      set.authorities['agent-ca'].certPem,
    );
  });
});
