import { X509Certificate } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAuthority } from '../../../src/pki/authority.js';
import {
  type AuthorityName,
  authorityNames,
  authorityOf,
  roleNames,
} from '../../../src/pki/certificate-set.js';
import {
  pairPaths,
  readCertificateDirectory,
  readKeyPair,
  readTrustedCertificates,
  writeCertificateDirectory,
} from '../../../src/pki/files.js';
import type { KeyUsage } from '../../../src/pki/subject.js';

let scratch: string;
let directory: string;
beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'konnsim-pki-'));
  directory = join(scratch, 'certs');
});
afterEach(() => rm(scratch, { recursive: true, force: true }));

const authorities = Object.keys(authorityNames) as AuthorityName[];

const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

describe('a certificate directory', () => {
  it('holds a CA for each trust, every role and one kubelet for each node, and reads back as it was written', async () => {
    const nodes = [{ name: 'node-1', ipAddresses: ['10.0.1.11'] }, { name: 'node-2' }];
    const written = await writeCertificateDirectory(directory, { nodes });
    const names = [...Object.keys(authorityNames), ...roleNames(), 'kubelet-node-1', 'kubelet-node-2'];
    expect((await readdir(directory)).sort()).toEqual(
      names.flatMap((name) => [`${name}.crt`, `${name}.key`]).sort(),
    );
    const read = await readCertificateDirectory(directory, ['node-1', 'node-2']);
    expect(read.leaves).toEqual(written.leaves);
    expect(read.kubelets).toEqual(written.kubelets);
    expect(read.ca.certPem).toBe(written.ca.certPem);
    const kubelet = new X509Certificate(read.kubelets.get('node-1')?.certPem ?? '');
    expect(kubelet.checkIP('10.0.1.11')).toBe('10.0.1.11');
    expect(kubelet.checkHost('node-1')).toBe('node-1');
  });

  it('keeps keys and folder from other users', async () => {
    await writeCertificateDirectory(directory);
    expect(await modeOf(directory)).toBe(0o700);
    for (const name of [...Object.keys(authorityNames), ...roleNames()])
      expect(await modeOf(pairPaths(directory, name).keyPath)).toBe(0o600);
  });

  it('leaves the mode of a folder that was there', async () => {
    await mkdir(directory);
    await chmod(directory, 0o755);
    await writeCertificateDirectory(directory);
    expect(await modeOf(directory)).toBe(0o755);
  });

  it('refuses to overwrite a leaf, and changes nothing then', async () => {
    await writeCertificateDirectory(directory);
    const before = await readFile(join(directory, 'agent.crt'), 'utf8');
    await expect(writeCertificateDirectory(directory)).rejects.toMatchObject({
      code: 'FILE_UNWRITABLE',
      message: `${join(directory, 'server.crt')}: exists already`,
    });
    expect(await readFile(join(directory, 'agent.crt'), 'utf8')).toBe(before);
  });

  it('replaces the leaves by force but keeps the CAs, so that trust goes on', async () => {
    const first = await writeCertificateDirectory(directory);
    const second = await writeCertificateDirectory(directory, { force: true });
    for (const name of authorities)
      expect(second.authorities[name].certPem).toBe(first.authorities[name].certPem);
    expect(second.leaves.agent.certPem).not.toBe(first.leaves.agent.certPem);
    expect((await readCertificateDirectory(directory)).leaves).toEqual(second.leaves);
  });

  it.each([
    ['ca', 'admin', 'agent'],
    ['agent-ca', 'agent', 'admin'],
  ] as const)('uses the %s that a user brought along', async (name, signed, other) => {
    const own = await createAuthority({ commonName: 'own' });
    await mkdir(directory);
    await writeFile(join(directory, `${name}.crt`), own.certPem);
    await writeFile(join(directory, `${name}.key`), own.keyPem);
    const set = await writeCertificateDirectory(directory);
    expect(new X509Certificate(set.leaves[signed].certPem).issuer).toBe('CN=own');
    expect(new X509Certificate(set.leaves[other].certPem).issuer).not.toBe('CN=own');
  });

  it('has every leaf signed by the CA of its trust, and by no other', async () => {
    const set = await writeCertificateDirectory(directory);
    for (const leaf of roleNames()) {
      const certificate = new X509Certificate(set.leaves[leaf].certPem);
      const signers = authorities.filter((name) =>
        certificate.verify(new X509Certificate(set.authorities[name].certPem).publicKey),
      );
      expect(signers).toEqual([authorityOf(leaf)]);
    }
  });

  it('of a time when one CA signed all is made whole by force, and its API keeps its CA', async () => {
    const { ca } = await writeCertificateDirectory(directory);
    for (const name of authorities.filter((one) => one !== 'ca'))
      for (const ending of ['crt', 'key']) await rm(join(directory, `${name}.${ending}`));
    await expect(readCertificateDirectory(directory)).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
    await writeCertificateDirectory(directory, { force: true });
    expect((await readCertificateDirectory(directory)).ca.certPem).toBe(ca.certPem);
  });

  it('does not make a second CA beside half a CA', async () => {
    await mkdir(directory);
    await writeFile(join(directory, 'ca.crt'), 'x');
    await expect(writeCertificateDirectory(directory)).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
      message: `${join(directory, 'ca.key')}: no such file`,
    });
  });

  it('does not take a leaf of another CA for its own', async () => {
    await writeCertificateDirectory(directory);
    const stranger = await (await createAuthority()).issue({ commonName: 'x', usages: ['client'] });
    const { certPath, keyPath } = pairPaths(directory, 'agent');
    await writeFile(certPath, stranger.certPem);
    await writeFile(keyPath, stranger.keyPem);
    await expect(readCertificateDirectory(directory)).rejects.toMatchObject({
      code: 'CERT_INVALID',
      message: `${certPath}: not issued by ${join(directory, 'agent-ca.crt')}`,
    });
  });

  it('leaves no temporary file behind when it cannot finish', async () => {
    await mkdir(join(directory, 'agent.crt'), { recursive: true });
    await expect(writeCertificateDirectory(directory, { force: true })).rejects.toMatchObject({
      code: 'FILE_UNWRITABLE',
    });
    expect((await readdir(directory)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('refuses a wrong node name, before writing anything', async () => {
    const nodes = [{ name: '../../etc/passwd' }];
    await expect(writeCertificateDirectory(directory, { nodes })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
    await expect(stat(directory)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('says so when a file is where the folder should be', async () => {
    await writeFile(directory, '');
    await expect(writeCertificateDirectory(directory)).rejects.toMatchObject({
      code: 'FILE_UNWRITABLE',
      where: directory,
    });
  });
});

describe('reading a pair names the file and the reason', () => {
  it('when the certificate is not for what it is to do', async () => {
    const ca = await createAuthority();
    const paths = pairPaths(scratch, 'leaf');
    const put = async (usages: readonly KeyUsage[]): Promise<void> => {
      const pair = await ca.issue({ commonName: 'x', usages });
      await writeFile(paths.certPath, pair.certPem);
      await writeFile(paths.keyPath, pair.keyPem);
    };
    await put(['client']);
    await readKeyPair(paths, ['client']);
    await expect(readKeyPair(paths, ['server'])).rejects.toMatchObject({
      code: 'CERT_INVALID',
      message: `${paths.certPath}: the certificate is not for use as a server (extended key usage)`,
      where: paths.certPath,
    });
    await put(['server']);
    await expect(readKeyPair(paths, ['server', 'client'])).rejects.toMatchObject({ code: 'CERT_INVALID' });
    await put(['server', 'client']);
    await readKeyPair(paths, ['server', 'client']);
  });

  const put = async (certPem: string, keyPem: string) => {
    await mkdir(directory, { recursive: true });
    const paths = pairPaths(directory, 'x');
    await writeFile(paths.certPath, certPem);
    await writeFile(paths.keyPath, keyPem);
    return paths;
  };

  it('missing', async () => {
    const paths = pairPaths(directory, 'x');
    await expect(readKeyPair(paths)).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
      message: `${paths.certPath}: no such file`,
    });
  });

  it('not PEM', async () => {
    const ca = await createAuthority();
    const swapped = await put(ca.keyPem, ca.certPem);
    await expect(readKeyPair(swapped)).rejects.toMatchObject({
      code: 'CERT_INVALID',
      message: `${swapped.certPath}: not a PEM certificate`,
    });
    const noKey = await put(ca.certPem, 'hello');
    await expect(readKeyPair(noKey)).rejects.toMatchObject({
      message: `${noKey.keyPath}: not a PEM private key`,
    });
  });

  it('damaged', async () => {
    const ca = await createAuthority();
    const paths = await put(ca.certPem.replace(/\n.{10}/, '\nAAAAAAAAAA'), ca.keyPem);
    await expect(readKeyPair(paths)).rejects.toMatchObject({
      message: `${paths.certPath}: the certificate is damaged`,
    });
    const cut = await put(ca.certPem, ca.keyPem.replace(/\n.{10}/, '\nAAAAAAAAAA'));
    await expect(readKeyPair(cut)).rejects.toMatchObject({
      message: `${cut.keyPath}: the private key is damaged`,
    });
  });

  it('key of another certificate', async () => {
    const paths = await put((await createAuthority()).certPem, (await createAuthority()).keyPem);
    await expect(readKeyPair(paths)).rejects.toMatchObject({
      code: 'CERT_INVALID',
      message: `${paths.keyPath}: the key does not match the certificate ${paths.certPath}`,
    });
  });

  it('expired, and not yet valid', async () => {
    const ca = await createAuthority();
    const days = (from: string, to: string) =>
      ca.issue({ commonName: 'x', usages: ['client'], notBefore: new Date(from), notAfter: new Date(to) });
    const old = await days('2020-01-01', '2020-01-02');
    const paths = await put(old.certPem, old.keyPem);
    await expect(readKeyPair(paths)).rejects.toMatchObject({
      message: `${paths.certPath}: expired on 2020-01-02T00:00:00Z`,
    });
    await expect(readTrustedCertificates(paths.certPath)).rejects.toMatchObject({ code: 'CERT_INVALID' });
    const early = await days('2100-01-01', '2100-01-02');
    await put(early.certPem, early.keyPem);
    await expect(readKeyPair(paths)).rejects.toMatchObject({
      message: `${paths.certPath}: not valid before 2100-01-01T00:00:00Z`,
    });
  });

  it('accepts a trust bundle in which one of several certificates is valid', async () => {
    const ca = await createAuthority();
    const old = await ca.issue({
      commonName: 'x',
      usages: ['client'],
      notBefore: new Date(0),
      notAfter: new Date(1e9),
    });
    const paths = await put(old.certPem + ca.certPem, ca.keyPem);
    expect(await readTrustedCertificates(paths.certPath)).toBe(old.certPem + ca.certPem);
  });
});
