import { BrokenPipe, writeText } from '../../io/byte-sink.js';
import { type ByteSource, Input } from '../../io/byte-source.js';
import { createPipe } from '../../io/pipe.js';
import { gunzipTo } from '../base64-gzip.js';
import { anyArgs, type Command, type Process } from '../command.js';
import { openSource } from '../files.js';
import { CommandFailure } from '../limit.js';
import { type TarJob, tarJob } from './arguments.js';
import { createArchive } from './create.js';
import { Unpacking } from './extract.js';
import { ArchiveReader } from './read-archive.js';

/** `tar` as a stream: packs, unpacks and lists, plain or with gzip. It stops reading where the archive ends. */
export const tar: Command = {
  accepts: anyArgs,
  async run(process) {
    const job = tarJob(process.args);
    return job.kind === 'create' ? createArchive(process, job) : readArchive(process, job);
  },
};

async function readArchive(process: Process, job: TarJob): Promise<number> {
  const fatal = async (text: string): Promise<number> => {
    await writeText(process.stderr, `tar: ${text}\ntar: Error is not recoverable: exiting now\n`);
    return 2;
  };
  let source: Input;
  try {
    const opened = await openSource(process, job.archive);
    source = opened instanceof Input ? opened : new Input(opened);
  } catch (error) {
    return fatal(`${job.archive}: Cannot open: ${(error as Error).message}`);
  }
  const folder = process.files.resolvePath(process.cwd, job.folder ?? '.');
  if (job.kind === 'extract' && !(await process.files.exists(folder)))
    return fatal(`${job.folder}: Cannot open: No such file or directory`);
  const unpacking = new Unpacking(process, job, folder);
  const read = async (archive: ByteSource): Promise<void> => {
    await unpacking.run(new ArchiveReader(archive, (text, failing) => unpacking.say(text, failing)));
  };
  const packed = job.gzip || (job.archive !== '-' && (await startsWithGzip(source)));
  if (!packed) await read(source);
  else if (!(await readPacked(process, source, read))) return 2;
  return unpacking.finish();
}

/** A real tar detects that a file is compressed, but not for a stream. */
async function startsWithGzip(source: Input): Promise<boolean> {
  const first = await source.next();
  if (first === undefined) return false;
  source.putBack(first);
  return first[0] === 0x1f && first[1] === 0x8b;
}

/** Unpacks while it reads; false when the compressed bytes are broken. */
async function readPacked(
  process: Process,
  source: ByteSource,
  read: (archive: ByteSource) => Promise<void>,
): Promise<boolean> {
  const pipe = createPipe();
  const packed = { failed: undefined as CommandFailure | undefined };
  const unpacking = gunzipTo(source, pipe.sink, 'stdin')
    .catch((error: unknown) => {
      if (error instanceof CommandFailure) packed.failed = error;
      else if (!(error instanceof BrokenPipe)) throw error;
    })
    .finally(() => pipe.end());
  try {
    await read({
      async next() {
        const chunk = await pipe.source.next();
        if (chunk === undefined && packed.failed !== undefined) throw packed.failed;
        return chunk;
      },
    });
  } catch (error) {
    if (packed.failed === undefined) throw error;
  } finally {
    pipe.close();
    await unpacking;
  }
  if (packed.failed === undefined) return true;
  await writeText(process.stderr, `\ngzip: ${packed.failed.message}\ntar: Child returned status 1\n`);
  await writeText(process.stderr, 'tar: Error is not recoverable: exiting now\n');
  return false;
}
