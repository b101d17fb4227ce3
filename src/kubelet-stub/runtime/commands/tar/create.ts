import { writeText } from '../../io/byte-sink.js';
import { bytesSource } from '../../io/byte-source.js';
import type { Process } from '../command.js';
import { copy } from '../files.js';
import type { TarJob } from './arguments.js';
import { blockBytes, encodeHeader, paddingOf, type TarHeader } from './header.js';

/** Archives end with two empty blocks, and fill a record of twenty. */
const recordBytes = 20 * blockBytes;

/** Writes an archive, one file at a time. Resolves with the exit code. */
export async function createArchive(
  process: Process,
  { folder, operands }: Extract<TarJob, { kind: 'create' }>,
): Promise<number> {
  const archive = new Archive(process);
  const base = process.files.resolvePath(process.cwd, folder);
  for (const operand of operands) await archive.addOperand(base, operand);
  return archive.finish();
}

class Archive {
  private readonly process: Process;
  private writtenBytes = 0;
  private failed = false;
  private noticed = false;

  constructor(process: Process) {
    this.process = process;
  }

  async addOperand(base: string, operand: string): Promise<void> {
    const { files } = this.process;
    const path = files.resolvePath(base, operand);
    const name = operand.replace(/^\/+/, '').replace(/\/+$/, '');
    if (operand.startsWith('/') && !this.noticed) {
      this.noticed = true;
      await this.say("Removing leading `/' from member names");
    }
    try {
      await files.lstat(path);
    } catch {
      this.failed = true;
      await this.say(`${operand}: Cannot stat: No such file or directory`);
      return;
    }
    await this.add(path, name === '' ? '.' : name);
  }

  async finish(): Promise<number> {
    const end = 2 * blockBytes;
    const padding = (recordBytes - ((this.writtenBytes + end) % recordBytes)) % recordBytes;
    await this.write(Buffer.alloc(end + padding));
    if (!this.failed) return 0;
    await this.say('Exiting with failure status due to previous errors');
    return 2;
  }

  private async add(path: string, name: string): Promise<void> {
    const { files, signal } = this.process;
    if (signal.aborted) return;
    const { isDirectory, isSymbolicLink, mode, mtime } = await files.lstat(path);
    const common = { sizeBytes: 0, mode: mode & 0o7777, mtimeMs: mtime.getTime(), linkName: '' };
    if (isSymbolicLink) {
      return this.header({ ...common, name, kind: 'symlink', linkName: await files.readlink(path) });
    }
    if (isDirectory) {
      await this.header({ ...common, name: `${name}/`, kind: 'folder' });
      for (const child of (await files.readdir(path)).toSorted()) {
        await this.add(files.resolvePath(path, child), `${name}/${child}`);
      }
      return;
    }
    const content = await files.readFileBuffer(path);
    await this.header({ ...common, name, kind: 'file', sizeBytes: content.length });
    await copy(bytesSource(content), { write: (chunk) => this.write(chunk) }, signal);
    await this.write(Buffer.alloc(paddingOf(content.length)));
  }

  private header(header: TarHeader): Promise<void> {
    return this.write(encodeHeader(header));
  }

  private async write(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return;
    this.writtenBytes += bytes.length;
    await this.process.stdout.write(bytes);
  }

  private say(text: string): Promise<void> {
    return writeText(this.process.stderr, `tar: ${text}\n`);
  }
}
