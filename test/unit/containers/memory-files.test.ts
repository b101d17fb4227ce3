import { describe, expect, it } from 'vitest';
import { MemoryFiles } from '../../../src/containers/shell/memory-files.js';
import { sandbox, sh } from './support.js';

const fresh = (limitBytes = 1000): MemoryFiles => new MemoryFiles({ '/etc/hostname': 'web-0\n' }, limitBytes);

describe('the length of a path', () => {
  it('is limited as in Linux: 4095 bytes, and 255 for each name', async () => {
    const files = fresh();
    await files.mkdir(`/${'n'.repeat(255)}`);
    await expect(files.mkdir(`/${'n'.repeat(256)}`)).rejects.toThrow('ENAMETOOLONG: File name too long');
    await expect(files.writeFile(`/${'é'.repeat(128)}`, '')).rejects.toThrow('File name too long');
    const deepest = '/a'.repeat(2047);
    await files.mkdir(deepest, { recursive: true });
    await expect(files.mkdir(`${deepest}/a`)).rejects.toThrow('File name too long');
    await expect(files.symlink('x', `${deepest}/a`)).rejects.toThrow('File name too long');
    expect(await files.exists(`${deepest}/a`)).toBe(false);
  });

  it('shows in the texts of commands', async () => {
    const box = sandbox();
    const name = 'n'.repeat(256);
    for (const script of [`mkdir ${name}`, `touch ${name}`, `x=1; echo a > ${name}`, `echo a > ${name}`]) {
      const { err, result } = await sh(box.runtime, script);
      expect(err).toContain('File name too long');
      expect(result).not.toEqual({ kind: 'exit', code: 0 });
    }
    await box.runtime.close();
  });
});

describe('the cost of an operation', () => {
  it('does not grow with the number of files: deep folders are found and removed fast', async () => {
    const box = sandbox();
    const deep = '/a'.repeat(2000);
    await sh(box.runtime, `mkdir -p /tmp${deep}; x=1`);
    expect((await sh(box.runtime, 'find /tmp/a | wc -l')).out).toBe('2000\n');
    expect((await sh(box.runtime, 'rm -rf /tmp/a; ls /tmp')).out).toBe('');
    await box.runtime.close();
  });
});

describe('files in memory', () => {
  it('are counted against a limit, and free their bytes when they are removed', async () => {
    const files = fresh(100);
    const before = files.usedBytes;
    await files.writeFile('/f', 'x'.repeat(60));
    await files.appendFile('/f', 'y'.repeat(20));
    await files.link('/f', '/g');
    expect(files.usedBytes - before).toBe(80);
    await expect(files.appendFile('/g', 'z'.repeat(20))).rejects.toThrow('ENOSPC');
    await files.rm('/f');
    expect((await files.readFile('/g')).length).toBe(80);
    await files.rm('/g');
    expect(files.usedBytes).toBe(before);
  });

  it('are written through links, and seen through each of their names', async () => {
    const files = fresh();
    await files.mkdir('/d');
    await files.symlink('/d', '/to-d');
    await files.symlink('d/f', '/to-f');
    await files.writeFile('/to-f', 'one');
    await files.appendFile('/to-d/f', ' two');
    expect(await files.readFile('/d/f')).toBe('one two');
    expect((await files.lstat('/to-f')).isSymbolicLink).toBe(true);
    expect(await files.realpath('/to-d/f')).toBe('/d/f');
    await files.symlink('loop', '/loop');
    await expect(files.stat('/loop')).rejects.toThrow('ELOOP');
    await files.rm('/to-d');
    expect(await files.exists('/d/f')).toBe(true);
  });

  it('keep what was read when they change', async () => {
    const files = fresh();
    await files.appendFile('/f', 'a');
    const seen = await files.readFileBuffer('/f');
    await files.appendFile('/f', 'b');
    await files.writeFile('/f', 'zzz');
    expect(Buffer.from(seen).toString()).toBe('a');
  });

  it('are moved and copied as trees, and never into themselves', async () => {
    const files = fresh();
    await files.mkdir('/a/b', { recursive: true });
    await files.writeFile('/a/b/f', '1');
    await files.cp('/a', '/c', { recursive: true });
    await files.mv('/a', '/d');
    expect(files.getAllPaths().sort()).toEqual(
      ['/', '/c', '/c/b', '/c/b/f', '/d', '/d/b', '/d/b/f', '/etc', '/etc/hostname'].sort(),
    );
    await expect(files.cp('/d', '/d/b/x', { recursive: true })).rejects.toThrow('EINVAL');
    await expect(files.mv('/d', '/d/b/x')).rejects.toThrow('EINVAL');
    await expect(files.rm('/d')).rejects.toThrow('ENOTEMPTY');
    await files.rm('/d', { recursive: true });
    expect(await files.readdir('/')).toEqual(['c', 'etc']);
  });
});
