import { type ByteSink, discardSink, writeText } from '../../io/byte-sink.js';
import { bytesSource } from '../../io/byte-source.js';
import { createPipe } from '../../io/pipe.js';
import { gzipTo } from '../base64-gzip.js';
import type { Process } from '../command.js';
import { copy, type FileSink, openSink } from '../files.js';
import { CommandFailure } from '../limit.js';
import type { TarJob } from './arguments.js';
import { blockBytes, encodeHeader, paddingOf, splitName, type TarHeader, typeFlags } from './header.js';

/** An archive ends with two empty blocks, and is padded to a record of twenty. */
const recordBytes = 20 * blockBytes;

/** Writes an archive, one file at a time. Resolves with the exit code. */
export async function createArchive(process: Process, job: TarJob): Promise<number> {
  const file = job.archive === '-' ? undefined : await openArchive(process, job.archive);
  const target = file ?? process.stdout;
  const names = job.verbose ? (file === undefined ? process.stderr : process.stdout) : discardSink;
  try {
    if (!job.gzip) return await writeArchive(process, job, { target, names });
    const pipe = createPipe();
    const packing = gzipTo(pipe.source, target, 6).finally(() => pipe.close());
    const writing = writeArchive(process, job, { target: pipe.sink, names }).finally(() => pipe.end());
    const [code] = await Promise.all([writing, packing]);
    return code;
  } finally {
    await file?.close();
  }
}

async function openArchive(process: Process, path: string): Promise<FileSink> {
  try {
    return await openSink(process, path, false);
  } catch (error) {
    throw new CommandFailure(
      `${path}: Cannot open: ${(error as Error).message}\ntar: Error is not recoverable: exiting now`,
      2,
    );
  }
}

interface Outputs {
  readonly target: ByteSink;
  /** Where the names of members are printed. */
  readonly names: ByteSink;
}

async function writeArchive(process: Process, job: TarJob, outputs: Outputs): Promise<number> {
  const archive = new Archive(process, job.absoluteNames, outputs);
  for (const { folder, name } of job.operands) {
    const base = process.files.resolvePath(process.cwd, folder ?? '.');
    if (!(await process.files.exists(base)))
      throw new CommandFailure(
        `${folder}: Cannot open: No such file or directory\ntar: Error is not recoverable: exiting now`,
        2,
      );
    await archive.addOperand(base, name);
  }
  return archive.finish();
}

class Archive {
  private readonly process: Process;
  private readonly absoluteNames: boolean;
  private readonly outputs: Outputs;
  private writtenBytes = 0;
  private failed = false;
  private readonly noticed = new Set<string>();

  constructor(process: Process, absoluteNames: boolean, outputs: Outputs) {
    this.process = process;
    this.absoluteNames = absoluteNames;
    this.outputs = outputs;
  }

  async addOperand(base: string, operand: string): Promise<void> {
    const { files } = this.process;
    const path = files.resolvePath(base, operand);
    const { prefix, rest } = splitName(operand);
    const name = (this.absoluteNames ? operand : rest).replace(/(?<=.)\/+$/, '');
    if (!this.absoluteNames && prefix !== '' && !this.noticed.has(prefix)) {
      this.noticed.add(prefix);
      await this.say(`Removing leading \`${prefix}' from member names`);
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
      return this.header({ ...common, name, type: typeFlags.symlink, linkName: await files.readlink(path) });
    }
    if (isDirectory) {
      await this.header({ ...common, name: name.endsWith('/') ? name : `${name}/`, type: typeFlags.folder });
      for (const child of (await files.readdir(path)).toSorted()) {
        await this.add(files.resolvePath(path, child), `${name.replace(/\/$/, '')}/${child}`);
      }
      return;
    }
    const content = await files.readFileBuffer(path);
    await this.header({ ...common, name, type: typeFlags.file, sizeBytes: content.length });
    await copy(bytesSource(content), { write: (chunk) => this.write(chunk) }, signal);
    await this.write(Buffer.alloc(paddingOf(content.length)));
  }

  private async header(header: TarHeader): Promise<void> {
    await writeText(this.outputs.names, `${header.name}\n`);
    await this.write(encodeHeader(header));
  }

  private async write(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return;
    this.writtenBytes += bytes.length;
    await this.outputs.target.write(bytes);
  }

  private say(text: string): Promise<void> {
    return writeText(this.process.stderr, `tar: ${text}\n`);
  }
}
