import { writeText } from '../../io/byte-sink.js';
import type { Process } from '../command.js';
import type { TarJob } from './arguments.js';
import { blockBytes, decodeHeader, decodePax, paddingOf, type TarHeader } from './header.js';

/** As much as a container's files may take together. */
const mostFileBytes = 256 * 1024 ** 2;
/** Names longer than this are nobody's. */
const mostNameBytes = 1024 * 1024;

/** Unpacks the archive on standard input as it comes in. Resolves with the exit code. */
export async function extractArchive(
  process: Process,
  job: Extract<TarJob, { kind: 'extract' }>,
): Promise<number> {
  const folder = process.files.resolvePath(process.cwd, job.folder);
  if (!(await process.files.exists(folder))) {
    await writeText(process.stderr, `tar: ${job.folder}: Cannot open: No such file or directory\n`);
    await writeText(process.stderr, 'tar: Error is not recoverable: exiting now\n');
    return 2;
  }
  const unpacking = new Unpacking(process, folder, job.keepTimes);
  try {
    await unpacking.run();
    return unpacking.failed ? 2 : 0;
  } catch (error) {
    await writeText(process.stderr, `tar: ${(error as Error).message}\n`);
    return 2;
  }
}

class Unpacking {
  failed = false;
  private readonly process: Process;
  private readonly folder: string;
  private readonly keepTimes: boolean;

  constructor(process: Process, folder: string, keepTimes: boolean) {
    this.process = process;
    this.folder = folder;
    this.keepTimes = keepTimes;
  }

  async run(): Promise<void> {
    let overrides: Partial<TarHeader> = {};
    for (;;) {
      const block = await this.read(blockBytes, true);
      const found = block === undefined ? undefined : decodeHeader(block);
      if (found === undefined) break;
      const header = { ...found, ...overrides };
      const more = await this.member(header);
      overrides = more === undefined ? {} : { ...overrides, ...more };
    }
    // Whatever follows the end is padding; unread it would stop the sender.
    while ((await this.process.stdin.next()) !== undefined);
  }

  /** Unpacks a member, or gives what it says of the next. */
  private async member(header: TarHeader): Promise<Partial<TarHeader> | undefined> {
    switch (header.kind) {
      case 'longName':
        return { name: await this.text(header) };
      case 'longLink':
        return { linkName: await this.text(header) };
      case 'pax':
        return decodePax(await this.content(header, mostNameBytes));
      case 'other':
        await this.skip(header.sizeBytes + paddingOf(header.sizeBytes));
        return undefined;
      case 'file':
      case 'folder':
      case 'symlink':
      case 'hardlink':
        await this.unpack(header);
        return undefined;
    }
  }

  private async unpack(header: TarHeader): Promise<void> {
    const { files } = this.process;
    const content = header.kind === 'file' ? await this.content(header, mostFileBytes) : undefined;
    const name = header.name.replace(/^\/+/, '').replace(/\/+$/, '');
    if (name.split('/').includes('..')) return this.complain(`${header.name}: Member name contains '..'`);
    const path = files.resolvePath(this.folder, name);
    try {
      await this.place(path, header, content);
    } catch (error) {
      await this.complain(`${name}: ${(error as Error).message}`);
    }
  }

  private async place(path: string, header: TarHeader, content: Buffer | undefined): Promise<void> {
    const { files } = this.process;
    await files.mkdir(files.resolvePath(path, '..'), { recursive: true });
    switch (header.kind) {
      case 'folder':
        await files.mkdir(path, { recursive: true });
        break;
      case 'symlink':
        await files.rm(path, { force: true });
        return files.symlink(header.linkName, path);
      case 'hardlink':
        await files.rm(path, { force: true });
        return files.link(files.resolvePath(this.folder, header.linkName), path);
      default:
        await files.writeFile(path, content ?? Buffer.alloc(0));
    }
    await files.chmod(path, header.mode);
    const time = new Date(this.keepTimes ? header.mtimeMs : this.process.machine.now());
    await files.utimes(path, time, time);
  }

  private async text(header: TarHeader): Promise<string> {
    return (await this.content(header, mostNameBytes)).toString().replace(/\0.*$/s, '');
  }

  private async content({ name, sizeBytes }: TarHeader, limitBytes: number): Promise<Buffer> {
    if (sizeBytes > limitBytes) throw new Error(`${name}: Cannot write: No space left on device`);
    const content = await this.read(sizeBytes);
    await this.skip(paddingOf(sizeBytes));
    return content;
  }

  /** Exactly so many bytes; undefined instead of none when `mayEnd`. Rejects when the archive ends before. */
  private async read(sizeBytes: number): Promise<Buffer>;
  private async read(sizeBytes: number, mayEnd: true): Promise<Buffer | undefined>;
  private async read(sizeBytes: number, mayEnd = false): Promise<Buffer | undefined> {
    const bytes = Buffer.allocUnsafe(sizeBytes);
    let at = 0;
    while (at < sizeBytes) {
      const chunk = await this.process.stdin.next();
      if (chunk === undefined) {
        if (mayEnd && at === 0) return undefined;
        throw new Error('Unexpected EOF in archive');
      }
      const part = chunk.subarray(0, sizeBytes - at);
      bytes.set(part, at);
      at += part.length;
      this.process.stdin.putBack(chunk.subarray(part.length));
    }
    return bytes;
  }

  private async skip(sizeBytes: number): Promise<void> {
    for (let left = sizeBytes; left > 0; ) left -= (await this.read(Math.min(left, 65_536))).length;
  }

  private async complain(text: string): Promise<void> {
    this.failed = true;
    await writeText(this.process.stderr, `tar: ${text}\n`);
  }
}
