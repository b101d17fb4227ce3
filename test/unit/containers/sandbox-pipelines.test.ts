import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SandboxRuntime } from '../../../src/containers/sandbox-runtime.js';
import { Client, main, run, sandbox, sh } from './support.js';

let runtime: SandboxRuntime;
beforeAll(() => {
  ({ runtime } = sandbox());
});
afterAll(() => runtime.close());

const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
const lines = Buffer.from('b 2\na 10\nc 3\na 10\n\n  xx\ty z\nB 1\nlast');
const broken = Buffer.from('a\xff\n\xc3(\n\xe2\x82\n', 'latin1');

/** Each of these reads standard input. */
const pipelines = [
  ...[
    'tail -c +3',
    'tail -c+3',
    'tail -c 3',
    'tail -n 2',
    'tail -n +2',
    'tail +2',
    'tail -2',
    'tail -n -2',
    'tail -n 0',
  ],
  ...['head -c 5', 'head -c -3', 'head -n -1', 'head -2', 'head -n 0', 'head -c 1k'],
  ...[
    'wc',
    'wc -w',
    'wc -lc',
    'wc -m',
    'wc -l | cat',
    "cut -d' ' -f2",
    'cut -c 2-3,5-',
    'cut -b -2 --complement',
  ],
  ...['tr a-z A-Z', "tr -cd 'a-z\\n'", "tr -s ' \\n'", "tr '\\000-\\377' x", "tr '[:lower:]' '[:upper:]'"],
  ...['sort', 'sort -r', 'sort -n', 'sort -u', 'sort -k2n', 'sort -k2,2 -k1r', "sort -t' ' -k2", 'sort -f'],
  ...['uniq -c', 'uniq -d', 'sort | uniq -c | sort -rn', 'base64', 'base64 | base64 -d', 'base64 -w 7'],
  ...[
    'od',
    'od -c',
    'od -An -tx1',
    'od -A x -t x1z',
    'od -x',
    'gzip | cat | gunzip',
    'gzip -c | zcat | md5sum',
  ],
  ...[
    'dd bs=1 skip=2 count=4 2>/dev/null',
    'cat | tee f | wc -c; cat f',
    'x=3; head -c $x | tail -c +2 | od -c',
  ],
  ...[
    'cat > f; tail -c +3 f | head -c 4',
    'cat > f; head -n 1 f f',
    'cat > f; wc f; wc -l f f',
    'cat nosuch | sort',
  ],
  ...[
    'cat > f; for i in 1 2; do tail -c +$i f | head -c 2; done',
    'sort nosuch',
    'head -c 4 | cat 2>/dev/null | od -c',
  ],
];

describe('a pipeline that works on bytes', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'konnsim-pipe-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each(pipelines)('does what GNU’s programs do: %s', async (script) => {
    const env = { PATH: process.env['PATH'], LC_ALL: 'C' };
    for (const input of [everyByte, lines, broken, Buffer.alloc(0)]) {
      const real = spawnSync('/bin/sh', ['-c', script], { input, cwd: folder, env });
      const got = await sh(runtime, script, input);
      expect({ result: got.result, err: got.err, out: got.bytes.toString('latin1') }).toEqual({
        result: { kind: 'exit', code: real.status },
        err: real.stderr.toString(),
        out: real.stdout.toString('latin1'),
      });
    }
  });
});

describe('a pipeline with more bytes than the memory limit', () => {
  it('streams between commands with plain words and with words that are expanded', async () => {
    const last = { out: '12000000\n', err: '', result: { kind: 'exit', code: 0 } };
    expect(await sh(runtime, 'seq 1 12000000 | tail -n 1')).toMatchObject(last);
    expect(
      await sh(runtime, 'n=12000000; seq 1 $n | tail -n 1 | while read x; do echo $x; done'),
    ).toMatchObject(last);
    const sum = 'fde9e0818281836e4fc0edfede2b8762';
    const script = 'n=134217728; echo $(head -c $n /dev/zero | md5sum | cut -d" " -f1)';
    expect((await sh(runtime, script)).out).toBe(`${sum}\n`);
  });

  it('ends with its reader', async () => {
    expect((await sh(runtime, 'n=2; yes | head -n $n | sed s/y/z/')).out).toBe('z\nz\n');
  });

  it('answers while it runs', async () => {
    const client = new Client();
    const command = ['sh', '-c', 'x=1; cat | tr a-z A-Z | cat $EMPTY'];
    const done = runtime.exec({ ...main, command, tty: false }, client);
    client.stdin.write('one\n');
    await client.sees('ONE\n');
    client.stdin.end();
    expect(await done).toEqual({ kind: 'exit', code: 0 });
  });

  it('has the status of its last command, or with pipefail of the last that failed', async () => {
    expect((await sh(runtime, 'x=1; cat nosuch 2>/dev/null | wc -l; echo $?')).out).toBe('0\n0\n');
    const script = 'set -o pipefail; x=1; cat nosuch 2>/dev/null | wc -l; echo $?';
    expect((await sh(runtime, script)).out).toBe('0\n1\n');
  });
});

describe('what the sandbox cannot do', () => {
  const limit = 'this is a limit of the sandbox\n';

  it.each([
    ['more output than it holds in one piece', 'x=$(seq 1 12000000); echo wrong'],
    ['more input than a command of the library takes', 'yes | sed -n 1p; echo wrong'],
    [
      'more to sort than it holds',
      'head -c 70000000 /dev/zero | tr "\\000" "\\n" | sort | wc -l; echo wrong',
    ],
    ['a line that is too long', 'head -c 70000000 /dev/zero | cut -c 1; echo wrong'],
    ['an order that it does not know', 'sort -V < /dev/null; echo wrong'],
    ['numbers that it cannot tell apart', 'seq 9007199254740993 9007199254740994; echo wrong'],
  ])('ends the script with 126 and says so: %s', async (_, script) => {
    const { out, err, result } = await sh(runtime, script);
    expect(err).toContain(limit);
    expect(out).not.toContain('wrong');
    expect(result).toEqual({ kind: 'exit', code: 126 });
  });

  it('is to run text commands on bytes that are not text', async () => {
    await sh(runtime, 'cat > /tmp/bytes', everyByte);
    for (const script of [
      "sed 's/a/b/'",
      'grep -c a',
      "awk '{print}'",
      'x=1; cat | sed s/a/b/ | wc -c',
      'grep a /tmp/bytes',
      'sed -i s/a/b/ /tmp/bytes',
      'sort /tmp/bytes | sed s/a/b/',
      'echo /tmp/bytes | xargs cat',
    ]) {
      const { out, err, result } = await sh(runtime, `${script}; echo wrong`, everyByte);
      expect(err, script).toContain(limit);
      expect(out, script).not.toContain('wrong');
      expect(result, script).toEqual({ kind: 'exit', code: 126 });
    }
  });

  it('does not end an interactive shell', async () => {
    const client = new Client();
    const { stdin, stdout, signal } = client;
    const streams = { stdin, stdout, signal, resize: client.resizes() };
    const done = runtime.exec({ ...main, command: ['sh'], tty: true }, streams);
    await client.sees('/ # ');
    stdin.write('x=$(seq 1 12000000); echo wrong\r');
    await client.sees('limit of the sandbox');
    await client.sees('/ # ');
    stdin.write('echo alive\r');
    await client.sees('\r\nalive\r\n');
    stdin.write('exit\r');
    expect(await done).toEqual({ kind: 'exit', code: 0 });
  });
});

describe('dd', () => {
  it('writes in the middle of a file and keeps the rest when asked to', async () => {
    const write = (flag: string): Promise<{ out: string }> =>
      sh(
        runtime,
        `printf 0123456789 > /tmp/d; printf ab | dd of=/tmp/d bs=1 seek=4 ${flag} 2>/dev/null; cat /tmp/d`,
      );
    expect((await write('')).out).toBe('0123ab');
    expect((await write('conv=notrunc')).out).toBe('0123ab6789');
  });

  it('leaves the rest of its input to the next command', async () => {
    expect((await run(runtime, ['sh', '-c', 'dd bs=1 count=2 2>/dev/null; cat'], 'abcd')).out).toBe('abcd');
  });
});

describe('commands that share an input', () => {
  it.each([
    ['a group', "printf '1\\n2\\n3\\n' | { read x; head -n 1; cat; }", '2\n3\n'],
    ['a loop', "printf '1\\n2\\n3\\n' | while read x; do head -n 1; done", '2\n'],
    ['a function', "f() { read x; cat; }; printf '1\\n2\\n' | f", '2\n'],
    ['a redirected group', "printf '1\\n2\\n' > /tmp/two; { read x; cat; } < /tmp/two", '2\n'],
    ['a subshell after another', 'echo a | (cat); echo a | (cat)', 'a\na\n'],
  ])('read on where the one before has stopped: %s', async (_, script, out) => {
    expect(await sh(runtime, script)).toMatchObject({ out, err: '' });
  });

  it('see its end, and text as text', async () => {
    expect((await sh(runtime, 'read x; echo "$?<$x>"', '')).out).toBe('1<>\n');
    expect((await sh(runtime, 'while read x; do echo "<$x>"; done', 'ü\n✓\n')).out).toBe('<ü>\n<✓>\n');
    expect((await sh(runtime, 'echo é | while read x; do echo "<$x>"; done')).out).toBe('<é>\n');
  });
});

describe('printf, env and xargs', () => {
  it('write the bytes that escapes stand for', async () => {
    const bytes = (await sh(runtime, "printf '\\377\\xe2\\x9c\\x93%s%%' ü")).bytes;
    expect(bytes.toString('hex')).toBe('ffe29c93c3bc25');
    expect((await sh(runtime, "printf '%b' '\\0377' | od -An -tx1")).out).toBe(' ff\n');
  });

  it('pass variables on', async () => {
    expect((await sh(runtime, 'env A=1 sh -c \'echo "$A$COLOUR"\'; env -u COLOUR A=2 printenv A')).out).toBe(
      '1blue\n2\n',
    );
  });

  it('run as real ones do', async () => {
    expect((await sh(runtime, 'echo a b | xargs -n1 echo; xargs echo none < /dev/null')).out).toBe(
      'a\nb\nnone\n',
    );
  });
});
