import { InMemoryFs } from 'just-bash';
import { exitCodes, type Process } from '../../src/containers/commands/command.js';
import { tar } from '../../src/containers/commands/tar/tar.js';
import { BufferSink } from '../../src/containers/io/byte-sink.js';
import { bytesSource, Input } from '../../src/containers/io/byte-source.js';
import { runCommand } from '../../src/containers/shell/run-plan.js';
import { createRandom, type Random } from '../../src/core/random.js';
import { field, summedUp, tarEnd, tarMember } from '../support/tar-archives.js';
import { mutate, randomBytes } from './mutate.js';
import { oneIn, pick } from './packet-source.js';
import type { FuzzRun } from './run-side.js';

const names = [
  'f',
  'd/f',
  'd/',
  '/etc/passwd',
  '../f',
  'd/../../f',
  '.',
  '',
  'l',
  'l/passwd',
  'ü',
  'n'.repeat(100),
];
const targets = ['/etc', '../etc', 'f', 'l', '.', '', '/etc/passwd', '../../../etc/passwd'];
const types = ['0', '\0', '1', '2', '3', '5', '6', '7', 'L', 'K', 'x', 'g', 'S', 'V', 'Q', 'X'];
const sizes = [
  '00000000003',
  '77777777777',
  '-1',
  '1e-300',
  '1.5',
  ' 3 ',
  '',
  'ÿÿÿ',
  '\x80\0\0\0\0\0\0\0\0\0\0\x03',
];
const lengths = [
  '1e-300',
  '0',
  '-5',
  '9',
  '10',
  '11',
  '12',
  '14',
  '20',
  '99999999999999999999',
  '+9',
  '',
  '0x9',
  '1e3',
];
const keys = ['path', 'linkpath', 'size', 'mtime', 'GNU.sparse.major', '__proto__', ''];

function somePax(random: Random): string {
  const record = (): string => {
    const value = pick(random, [...names, ...targets, ...sizes]);
    return `${pick(random, lengths)} ${pick(random, keys)}=${value}\n`;
  };
  return Array.from({ length: 1 + random.below(4) }, record).join('');
}

function someMember(random: Random): Buffer {
  const type = pick(random, types);
  const isMeta = 'xgX'.includes(type);
  const content = isMeta
    ? somePax(random)
    : type === 'L' || type === 'K'
      ? pick(random, names)
      : randomBytes(random, random.below(1500));
  const fields: Record<number, string | Buffer> = { [field.type]: type };
  if (oneIn(random, 3)) fields[field.link] = pick(random, targets);
  if (oneIn(random, 6)) fields[field.size] = Buffer.from(pick(random, sizes), 'latin1');
  if (oneIn(random, 8)) fields[field.mtime] = randomBytes(random, 12);
  if (oneIn(random, 8)) fields[field.mode] = randomBytes(random, 8);
  const member = tarMember(pick(random, names), content, fields);
  if (!oneIn(random, 3)) return member;
  const head = mutate(random, member.subarray(0, 512));
  const whole = oneIn(random, 2) && head.length === 512 ? summedUp(head) : head;
  return Buffer.concat([whole, member.subarray(512)]);
}

function someArchive(random: Random): Buffer {
  const members = Array.from({ length: random.below(5) }, () => someMember(random));
  const archive = Buffer.concat([...members, oneIn(random, 4) ? Buffer.alloc(0) : tarEnd]);
  return oneIn(random, 10) ? mutate(random, archive) : archive;
}

const maxKeptBytes = 64 * 1024 * 1024;
const outside = '/etc/passwd';

/** Unpacks one archive in a folder of its own. Resolves with the exit code; throws when it gets out, or reads on for ever. */
async function unpack(random: Random, archive: Buffer): Promise<number> {
  const files = new InMemoryFs({ [outside]: 'root\n', '/w/kept': 'kept' }, { maxTotalBytes: maxKeptBytes });
  const before = files.getAllPaths().filter((path) => !path.startsWith('/w'));
  let reads = 0;
  const source = bytesSource(archive, 1 + random.below(2000));
  const stdin = new Input({
    next() {
      reads += 1;
      return source.next();
    },
  });
  const [stdout, stderr] = [new BufferSink(maxKeptBytes), new BufferSink(maxKeptBytes)];
  const args = pick(random, [
    ['xf', '-'],
    ['xvf', '-'],
    ['tvf', '-'],
    ['xmf', '-'],
    ['xOf', '-'],
    ['x', '--strip-components=1'],
  ]);
  const process: Process = {
    ...{ args, env: {}, cwd: '/w', files, stdin, stdout, stderr, signal: new AbortController().signal },
    machine: { hostname: 'w', now: () => 0, sleep: async () => undefined, randomByte: () => 0 },
  };
  const code = await runCommand('tar', process, tar);
  const after = files.getAllPaths().filter((path) => !path.startsWith('/w'));
  if (reads > archive.length + 10) throw new Error(`${reads} reads of ${archive.length} bytes`);
  if (after.join() !== before.join())
    throw new Error(`made ${after.filter((path) => !before.includes(path)).join()}`);
  if ((await files.readFile(outside)) !== 'root\n') throw new Error(`changed ${outside}`);
  if (code !== 0 && code !== 2 && code !== exitCodes.limit)
    throw new Error(`exit code ${code}: ${stderr.bytes().toString()}`);
  if (code !== 0 && stderr.bytes().length === 0) throw new Error('fails without a word');
  if (/undefined|NaN|\[object/.test(stderr.bytes().toString())) throw new Error(stderr.bytes().toString());
  return code;
}

/** The sandbox's tar, fed with archives. It ends, it stays in its folder, and it says why it fails. */
export async function fuzzTar({ seed, packets, progress }: FuzzRun): Promise<number> {
  const random = createRandom(seed);
  let failed = 0;
  for (let count = 0; count < packets; count += 1) {
    progress(count);
    const archive = someArchive(random);
    if ((await unpack(random, archive)) !== 0) failed += 1;
  }
  return failed;
}
