import { posix } from 'node:path';
import { BufferSink, type ByteSink, writeText } from '../../io/byte-sink.js';
import type { Process } from '../command.js';
import { copy } from '../files.js';
import type { TarJob } from './arguments.js';
import { splitName, type TarHeader, typeFlags } from './header.js';
import { listLine } from './list.js';
import type { ArchiveReader, Member } from './read-archive.js';

/** As much as all files of a container may take. */
const maxFileBytes = 256 * 1024 ** 2;

/** A symlink that points out of its folder. It is made last, so that no later member is written through it. */
interface LateLink {
  readonly path: string;
  readonly target: string;
}

/** Unpacks or lists the members of one archive. */
export class Unpacking {
  private readonly process: Process;
  private readonly job: TarJob;
  private readonly folder: string;
  private readonly names: ByteSink;
  private readonly found = new Set<string>();
  private readonly noticed = new Set<string>();
  private readonly lateLinks: LateLink[] = [];
  private failed = false;

  constructor(process: Process, job: TarJob, folder: string) {
    this.process = process;
    this.job = job;
    this.folder = folder;
    this.names = job.toStdout ? process.stderr : process.stdout;
  }

  async run(reader: ArchiveReader): Promise<void> {
    try {
      for await (const member of reader.members()) {
        if (this.process.signal.aborted) return;
        if (this.isWanted(member.header.name)) await this.take(member);
      }
    } finally {
      for (const link of this.lateLinks) await this.placeLate(link);
    }
  }

  /** Prints the last messages and returns the exit code. */
  async finish(): Promise<number> {
    for (const { name } of this.job.operands)
      if (!this.found.has(name)) await this.say(`${name}: Not found in archive`, true);
    if (!this.failed) return 0;
    await this.say('Exiting with failure status due to previous errors', true);
    return 2;
  }

  async say(text: string, failing: boolean): Promise<void> {
    this.failed ||= failing;
    await writeText(this.process.stderr, `tar: ${text}\n`);
  }

  private isWanted(name: string): boolean {
    const { operands } = this.job;
    if (operands.length === 0) return true;
    const bare = name.replace(/\/+$/, '');
    const operand = operands.find((one) => {
      const wanted = one.name.replace(/\/+$/, '');
      return bare === wanted || bare.startsWith(`${wanted}/`);
    });
    if (operand !== undefined) this.found.add(operand.name);
    return operand !== undefined;
  }

  private async take({ header, sparse, content }: Member): Promise<void> {
    const { verbose, kind } = this.job;
    if (kind === 'list')
      return writeText(this.process.stdout, verbose ? listLine(header) : `${header.name}\n`);
    const name = this.stripped(header.name);
    if (name === undefined || 'VMDN'.includes(header.type)) return;
    if (verbose) await writeText(this.names, `${header.name}\n`);
    if (sparse) return this.say(`${header.name}: a sparse file: this is a limit of the sandbox`, true);
    if (this.job.toStdout)
      return header.type === typeFlags.file
        ? copy(content, this.process.stdout, this.process.signal)
        : undefined;
    const safe = await this.safeName(name, 'member names');
    if (name.split('/').includes('..')) return this.say(`${header.name}: Member name contains '..'`, true);
    const shown = safe === '' ? '.' : safe;
    try {
      await this.place(
        this.process.files.resolvePath(this.folder, shown),
        { ...header, name: shown },
        content,
      );
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      await this.say(`${shown}: ${error.message}`, true);
    }
  }

  private stripped(name: string): string | undefined {
    const { stripComponents } = this.job;
    if (stripComponents === 0) return name;
    const parts = name.split('/').filter((part) => part !== '');
    return parts.length <= stripComponents ? undefined : parts.slice(stripComponents).join('/');
  }

  /** A name without the prefix that leads out of the folder. The removed prefix is reported once. */
  private async safeName(name: string, what: string): Promise<string> {
    const bare = name.replace(/\/+$/, '');
    const { prefix, rest } = splitName(bare);
    if (this.job.absoluteNames || prefix === '') return bare;
    if (!this.noticed.has(prefix + what)) await this.say(`Removing leading \`${prefix}' from ${what}`, false);
    this.noticed.add(prefix + what);
    return rest;
  }

  private async place(wanted: string, header: TarHeader, content: Member['content']): Promise<void> {
    const { files } = this.process;
    const path = await this.openParent(wanted);
    const old = await files.lstat(path).catch(() => undefined);
    if (old !== undefined && this.job.keepOld && !old.isDirectory)
      throw new FileError('Cannot open: File exists');
    if (header.type !== typeFlags.folder && old !== undefined && !old.isDirectory)
      await attempt('Cannot unlink', () => files.rm(path, { force: true }));
    switch (header.type) {
      case typeFlags.folder:
        await this.makeFolder(path);
        break;
      case typeFlags.symlink:
        return this.makeSymlink(path, header.linkName);
      case typeFlags.hardLink:
        return this.makeHardLink(path, header.linkName);
      case '3':
      case '4':
        throw new FileError('Cannot mknod: Operation not permitted');
      case '6':
        throw new FileError('Cannot mkfifo: Operation not permitted');
      default:
        if (header.type !== typeFlags.file)
          await this.say(
            `${header.name}: Unknown file type '${header.type}', extracted as normal file`,
            false,
          );
        await this.writeFile(path, header, content);
    }
    await attempt('Cannot change mode', () => files.chmod(path, header.mode));
    const time = new Date(this.job.keepTimes ? header.mtimeMs : this.process.machine.now());
    if (!Number.isNaN(time.getTime())) await attempt('Cannot utime', () => files.utimes(path, time, time));
  }

  /** Makes the parent folders of a path and returns the path without links, because not all calls follow links. */
  private async openParent(path: string): Promise<string> {
    const { files } = this.process;
    const parent = files.resolvePath(path, '..');
    const found = await files.stat(parent).catch(() => undefined);
    if (found?.isDirectory === false) throw new FileError('Cannot open: Not a directory');
    const isLinkToNothing =
      found === undefined && (await files.lstat(parent).catch(() => undefined)) !== undefined;
    if (isLinkToNothing) throw new FileError('Cannot open: No such file or directory');
    await attempt('Cannot mkdir', () => files.mkdir(parent, { recursive: true }));
    const real = await files.realpath(parent).catch(() => parent);
    return path === '/' ? path : posix.join(real, posix.basename(path));
  }

  private async makeFolder(path: string): Promise<void> {
    const { files } = this.process;
    const old = await files.stat(path).catch(() => undefined);
    if (old?.isDirectory === true) return;
    if (old !== undefined) await attempt('Cannot unlink', () => files.rm(path, { force: true }));
    await attempt('Cannot mkdir', () => files.mkdir(path, { recursive: true }));
  }

  private async writeFile(path: string, { sizeBytes }: TarHeader, content: Member['content']): Promise<void> {
    if (sizeBytes > maxFileBytes) throw new FileError('Cannot write: No space left on device');
    const sink = new BufferSink(maxFileBytes);
    try {
      await copy(content, sink, this.process.signal);
    } finally {
      await attempt('Cannot open', () => this.process.files.writeFile(path, sink.bytes()));
    }
  }

  private async makeSymlink(path: string, target: string): Promise<void> {
    const { files } = this.process;
    if (!target.startsWith('/') && !target.split('/').includes('..'))
      return attempt('Cannot create symlink', () => files.symlink(target, path));
    await attempt('Cannot open', () => files.writeFile(path, ''));
    this.lateLinks.push({ path, target });
  }

  private async placeLate({ path, target }: LateLink): Promise<void> {
    const { files } = this.process;
    const placed = await files.lstat(path).catch(() => undefined);
    // A later member may have replaced it.
    if (placed?.isFile !== true || placed.size > 0) return;
    await files.rm(path, { force: true });
    await files.symlink(target, path);
  }

  private async makeHardLink(path: string, target: string): Promise<void> {
    const { files } = this.process;
    const name = await this.safeName(target, 'hard link targets');
    await attempt(`Cannot hard link to '${name}'`, () =>
      files.link(files.resolvePath(this.folder, name), path),
    );
  }
}

/** A file that cannot be made; the rest of the archive is still unpacked. */
class FileError extends Error {}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'No such file or directory',
  EEXIST: 'File exists',
  ENOTDIR: 'Not a directory',
  EISDIR: 'Is a directory',
  ENOTEMPTY: 'Directory not empty',
  ELOOP: 'Too many levels of symbolic links',
  ENAMETOOLONG: 'File name too long',
  EPERM: 'Operation not permitted',
};

async function attempt(what: string, action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    const { message, code = '' } = error as NodeJS.ErrnoException;
    if (code === 'ENOSPC') throw new FileError('Cannot write: No space left on device');
    throw new FileError(`${what}: ${reasons[code] ?? message}`);
  }
}
