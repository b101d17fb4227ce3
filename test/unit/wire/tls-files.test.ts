import { execSync } from 'node:child_process';
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Clock, createRealClock, ManualClock } from '../../../src/core/clock.js';
import { type CertificateSet, createCertificateSet } from '../../../src/pki/certificate-set.js';
import { readText } from '../../../src/pki/read-files.js';
import type { TlsFiles } from '../../../src/wire/net/tls.js';
import { type TlsFilesChange, type TlsFilesInUse, useTlsFiles } from '../../../src/wire/net/tls-files.js';
import { CountingClock } from '../../support/counting-clock.js';
import { currentHandles, expectNoNewHandles } from '../../support/handles.js';
import { scratchFolder } from '../../support/konnsim.js';

let sets: [CertificateSet, CertificateSet];
let folder: string;
let removeFolder: () => Promise<void>;
let changes: TlsFilesChange[];
const inUse: TlsFilesInUse<TlsFiles>[] = [];

beforeAll(async () => {
  sets = [await createCertificateSet(), await createCertificateSet()];
});
beforeEach(async () => {
  ({ path: folder, remove: removeFolder } = await scratchFolder());
  changes = [];
});
afterEach(async () => {
  for (const files of inUse.splice(0)) await files.close();
  await removeFolder();
});

const names = ['ca.crt', 'tls.crt', 'tls.key'] as const;

function texts({ ca, leaves }: CertificateSet): TlsFiles {
  return { ca: ca.certPem, cert: leaves.server.certPem, key: leaves.server.keyPem };
}

async function put(into: string, { ca, cert, key }: TlsFiles): Promise<void> {
  const content = [ca, cert, key];
  await Promise.all(names.map((name, at) => writeFile(join(into, name), content[at] ?? '')));
}

async function use(from = folder, clock: Clock = createRealClock()): Promise<TlsFilesInUse<TlsFiles>> {
  const files = names.map((name) => join(from, name));
  const read = async (): Promise<TlsFiles> => {
    const [ca = '', cert = '', key = ''] = await Promise.all(files.map((file) => readText(file)));
    return { ca, cert, key };
  };
  const changed = (change: TlsFilesChange): number => changes.push(change);
  const used = await useTlsFiles({ files, read, clock, changed, where: 'test' });
  inUse.push(used);
  return used;
}

/** Makes the files be checked. */
async function look(clock: ManualClock): Promise<void> {
  clock.advance(10_000);
  await expect.poll(() => clock.pendingTimers).toBe(1);
}

function kinds(): string[] {
  return changes.map((change) => (change.kind === 'renewed' ? 'renewed' : change.error.code));
}

describe('certificate files in use', () => {
  it('are renewed when they are written again, and each subscriber is called once', async () => {
    await put(folder, texts(sets[0]));
    const files = await use();
    const taken: TlsFiles[] = [];
    files.subscribe((renewed) => taken.push(renewed));
    files.subscribe(() => taken.push(texts(sets[0])))();
    await put(folder, texts(sets[1]));
    await expect.poll(kinds).toEqual(['renewed']);
    expect(files.current).toEqual(texts(sets[1]));
    expect(taken).toEqual([texts(sets[1])]);
  });

  it('are renewed when others are moved into their places', async () => {
    await put(folder, texts(sets[0]));
    const files = await use();
    const beside = join(folder, 'new');
    await mkdir(beside);
    await put(beside, texts(sets[1]));
    for (const name of names) await rename(join(beside, name), join(folder, name));
    await expect.poll(() => files.current).toEqual(texts(sets[1]));
    expect(kinds()).toEqual(['renewed']);
  });

  it('are renewed when the one link of a mounted Secret is swapped', async () => {
    const secret = async (name: string, set: CertificateSet): Promise<void> => {
      await mkdir(join(folder, name));
      await put(join(folder, name), texts(set));
      await symlink(name, join(folder, '..data_tmp'));
      await rename(join(folder, '..data_tmp'), join(folder, '..data'));
    };
    await secret('..2026_01', sets[0]);
    for (const name of names) await symlink(join('..data', name), join(folder, name));
    const files = await use();
    await secret('..2026_02', sets[1]);
    await rm(join(folder, '..2026_01'), { recursive: true });
    await expect.poll(() => files.current).toEqual(texts(sets[1]));
    expect(kinds()).toEqual(['renewed']);
  });

  it('are renewed by polling when no folder has changed', async () => {
    await mkdir(join(folder, 'mount'));
    for (const [at, set] of sets.entries()) {
      await mkdir(join(folder, `set-${at}`));
      await put(join(folder, `set-${at}`), texts(set));
    }
    await symlink('set-0', join(folder, 'current'));
    for (const name of names) await symlink(join('..', 'current', name), join(folder, 'mount', name));
    const clock = new ManualClock();
    const files = await use(join(folder, 'mount'), clock);
    clock.advance(200);
    await expect.poll(() => clock.pendingTimers).toBe(1);
    await symlink('set-1', join(folder, 'next'));
    await rename(join(folder, 'next'), join(folder, 'current'));
    clock.advance(9_999);
    expect(kinds()).toEqual([]);
    clock.advance(1);
    await expect.poll(kinds).toEqual(['renewed']);
    expect(files.current).toEqual(texts(sets[1]));
  });

  it('are watched again in a folder that was removed and created again', async () => {
    const inner = join(folder, 'inner');
    await mkdir(inner);
    await put(inner, texts(sets[0]));
    const files = await use(inner);
    await rm(inner, { recursive: true });
    await expect.poll(kinds).toEqual(['FILE_UNREADABLE']);
    await mkdir(inner);
    await put(inner, texts(sets[1]));
    await expect.poll(() => files.current).toEqual(texts(sets[1]));
    await put(inner, texts(sets[0]));
    await expect.poll(() => files.current).toEqual(texts(sets[0]));
  });

  it('report nothing when they are touched without a change', async () => {
    await put(folder, texts(sets[0]));
    const clock = new ManualClock();
    await use(folder, clock);
    await put(folder, texts(sets[0]));
    for (let looks = 0; looks < 3; looks++) await look(clock);
    expect(changes).toEqual([]);
  });
});

const spoilt: readonly (readonly [string, Partial<TlsFiles>, RegExp])[] = [
  ['a key of another certificate', {}, /key values mismatch/],
  ['half a certificate', { cert: '-----BEGIN CERTIFICATE-----\nMIIB' }, /PEM|no start line|bad end line/i],
  ['an empty key', { key: '' }, /the key is empty/],
  ['an empty certificate', { cert: '\n' }, /the certificate is empty/],
  ['a CA without certificate', { ca: 'soon' }, /the CA holds no certificate/],
  ['half a CA', { ca: '-----BEGIN CERTIFICATE-----\nMIIB' }, /the CA ends in the middle of a certificate/],
];

describe('certificate files that are bad', () => {
  it.each(spoilt)('(%s) are reported once, and the earlier files stay in use', async (_name, bad, text) => {
    await put(folder, texts(sets[0]));
    const clock = new ManualClock();
    const files = await use(folder, clock);
    const key = sets[0].leaves.server.keyPem;
    await put(folder, { ...texts(sets[1]), key, ...bad });
    for (let looks = 0; looks < 3; looks++) await look(clock);
    await expect.poll(kinds).toEqual(['CERT_INVALID']);
    expect(files.current).toEqual(texts(sets[0]));
    expect(changes[0]).toMatchObject({ error: { message: expect.stringMatching(text) as string } });
    await put(folder, texts(sets[1]));
    await look(clock);
    await expect.poll(kinds).toEqual(['CERT_INVALID', 'renewed']);
    expect(files.current).toEqual(texts(sets[1]));
  });

  it('are checked every second, and reported again only for another reason', async () => {
    await put(folder, texts(sets[0]));
    const clock = new ManualClock();
    const files = await use(folder, clock);
    await writeFile(join(folder, 'ca.crt'), 'soon');
    await look(clock);
    clock.advance(1000);
    await expect.poll(() => clock.pendingTimers).toBe(1);
    await expect.poll(kinds).toEqual(['CERT_INVALID']);
    await writeFile(join(folder, 'tls.key'), '');
    await writeFile(join(folder, 'ca.crt'), texts(sets[0]).ca);
    clock.advance(1000);
    await expect.poll(kinds).toEqual(['CERT_INVALID', 'CERT_INVALID']);
    await put(folder, texts(sets[0]));
    await look(clock);
    await expect.poll(kinds).toEqual(['CERT_INVALID', 'CERT_INVALID']);
    expect(files.current).toEqual(texts(sets[0]));
  });

  it.each([
    ['a FIFO', 'mkfifo tls.key', /tls\.key: not a regular file but a FIFO$/],
    ['a device without an end', 'ln -s /dev/zero tls.key', /tls\.key: not a regular file but a device$/],
    ['1 GiB', 'truncate -s 1G tls.key', /tls\.key: larger than 1 MiB$/],
  ])('because of %s hold up neither a later renewal nor the end', async (_what, make, text) => {
    await put(folder, texts(sets[0]));
    const clock = new ManualClock();
    const files = await use(folder, clock);
    execSync(`rm tls.key && ${make}`, { cwd: folder });
    await look(clock);
    await expect.poll(kinds).toEqual(['FILE_UNREADABLE']);
    expect(changes[0]).toMatchObject({ error: { message: expect.stringMatching(text) as string } });
    await rm(join(folder, 'tls.key'));
    await put(folder, texts(sets[1]));
    await look(clock);
    await expect.poll(() => files.current).toEqual(texts(sets[1]));
    await files.close();
  });

  it('at the start are an error', async () => {
    await put(folder, { ...texts(sets[0]), key: sets[1].leaves.server.keyPem });
    await expect(use()).rejects.toMatchObject({ code: 'CERT_INVALID', where: 'test' });
  });
});

it('certificate files that are not in use any more leave nothing open', async () => {
  await put(folder, texts(sets[0]));
  const before = currentHandles();
  const clock = new CountingClock(10);
  const files = await use(folder, clock);
  await put(folder, texts(sets[1]));
  await files.close();
  await files.close();
  expect(clock.pendingTimers).toBe(0);
  await expectNoNewHandles(before);
  await put(folder, texts(sets[0]));
  expect(kinds().length).toBeLessThanOrEqual(1);
});
