import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RemoteCommandResult } from '../../../src/streams/types.js';
import { until } from '../../support/waits.js';
import { Client, interact, main, run, sandbox, settled, sh, type TestSandbox } from './support.js';

let box: TestSandbox;
beforeEach(() => {
  box = sandbox();
});
afterEach(() => box.runtime.close());

describe('standard input of a script', () => {
  it('is read line by line and shared by all commands', async () => {
    const { out } = await sh(box.runtime, 'read a; echo "a=$a"; head -n 1; x=1; cat', '1\n2\n3\n4\n');
    expect(out).toBe('a=1\n2\n3\n4\n');
  });

  it('feeds while read, functions and the end of a pipe', async () => {
    expect((await sh(box.runtime, 'while read -r l; do echo "<$l>"; done', 'a\nb\n')).out).toBe('<a>\n<b>\n');
    const script =
      'f() { read q; echo "q=$q"; }; f; echo piped | f; echo x y | while read l m; do echo $m; done';
    expect((await sh(box.runtime, script, 'typed\n')).out).toBe('q=typed\nq=piped\ny\n');
  });

  it('reaches commands of the shell library only when they read it', async () => {
    expect((await sh(box.runtime, 'grep b; echo $?', 'a\nb\n')).out).toBe('b\n0\n');
    expect((await sh(box.runtime, 'x=1; sort -r | tr a-z A-Z', 'a\nb\n')).out).toBe('B\nA\n');
    const client = new Client();
    const command = ['sh', '-c', 'grep -c root /etc/passwd; sed -n 1p /etc/hostname; ls /tmp'];
    expect(await box.runtime.exec({ ...main, command, tty: false }, client)).toEqual({
      kind: 'exit',
      code: 0,
    });
    await client.sees('1\nweb-0\n');
  });

  it('can be answered before it ends', async () => {
    const client = new Client();
    const command = ['sh', '-c', 'while read x; do echo "got $x"; done'];
    const done = box.runtime.exec({ ...main, command, tty: false }, client);
    client.stdin.write('one\n');
    await client.sees('got one\n');
    client.stdin.write('two\n');
    await client.sees('got two\n');
    client.stdin.end();
    expect(await done).toEqual({ kind: 'exit', code: 0 });
  });
});

describe('a script on standard input', () => {
  it('runs statement by statement, keeps its state and shares the input with its commands', async () => {
    const script =
      'x=5\ncd /etc\nf() {\n  echo "f $x"\n}\nf\npwd\ncat <<E\nhere $x\nE\nread y\nTYPED\necho $y\ncat\nrest\n';
    expect(await run(box.runtime, ['sh'], script)).toMatchObject({
      out: 'f 5\n/etc\nhere 5\nTYPED\nrest\n',
      result: { kind: 'exit', code: 0 },
    });
  });

  it('ends with exit, with its last status, or with an error', async () => {
    expect((await run(box.runtime, ['sh'], 'echo a\nexit 9\necho b\n')).result).toEqual({
      kind: 'exit',
      code: 9,
    });
    expect((await run(box.runtime, ['bash'], 'x=1\n(exit 4)\n')).result).toEqual({ kind: 'exit', code: 4 });
    expect(await run(box.runtime, ['sh'], 'if true\n')).toMatchObject({ result: { kind: 'exit', code: 2 } });
    expect(await run(box.runtime, ['sh'], 'fi\necho no\n')).toMatchObject({
      out: '',
      result: { kind: 'exit', code: 2 },
    });
    expect(await run(box.runtime, ['sh', '-e'], 'false\necho no\n')).toMatchObject({
      out: '',
      result: { kind: 'exit', code: 1 },
    });
  });

  it('prints no prompt and echoes nothing', async () => {
    expect((await run(box.runtime, ['sh'], 'echo a\n')).out).toBe('a\n');
  });
});

describe('an interactive shell', () => {
  let client: Client;
  let done: Promise<RemoteCommandResult>;
  beforeEach(async () => {
    ({ client, done } = interact(box.runtime, ['sh']));
    await client.sees('/ # ');
  });
  afterEach(async () => {
    box.runtime.restartContainer(main);
    await done;
  });

  /** Types a line and waits for all of `output`, line ends as a terminal has them, and the next prompt. */
  async function enter(line: string, output: string, prompt = '/ # '): Promise<void> {
    client.stdin.write(`${line}\r`);
    await client.sees(`${line}\r\n${output.replaceAll('\n', '\r\n')}${prompt}`);
  }

  it('echoes, prompts, runs lines and ends with the code of exit', async () => {
    await enter('echo hi', 'hi\n');
    await enter('echo oops >&2; nosuch', 'oops\nbash: nosuch: command not found\n');
    await enter('echo $?', '127\n');
    client.stdin.write('exit 4\r');
    expect(await done).toEqual({ kind: 'exit', code: 4 });
  });

  it('keeps variables, functions, aliases and the directory between lines', async () => {
    await enter('x=5; export Y=6', '');
    await enter('f() { echo "f $x $1"; }', '');
    await enter('cd /etc', '', '/etc # ');
    await enter('f a; cat hostname; env | grep Y=', 'f 5 a\nweb-0\nY=6\n', '/etc # ');
    await enter('cd', '', '~ # ');
  });

  it('prompts for the rest of an incomplete statement', async () => {
    client.stdin.write('for i in 1 2\r');
    await client.sees('> ');
    client.stdin.write('do echo $i\r');
    await client.sees('> ');
    await enter('done', '1\n2\n');
  });

  it('ends at ^D with the last status', async () => {
    await enter('(exit 7)', '');
    client.stdin.write('\x04');
    expect(await done).toEqual({ kind: 'exit', code: 7 });
  });

  it('erases characters, words and the line', async () => {
    client.stdin.write('echx\x7fo two words\x17\x7f');
    await client.sees('echx\b \bo two words\b \b\b \b\b \b\b \b\b \b\b \b');
    client.stdin.write('\r');
    await client.sees('\r\ntwo\r\n/ # ');
    client.stdin.write('nosuch\x15echo é\x7fa\r');
    await client.sees('\r\na\r\n/ # ');
  });

  it('drops the line at ^C, and ends the running command with 130', async () => {
    client.stdin.write('partial\x03');
    await client.sees('partial^C\r\n/ # ');
    for (const command of ['sleep 100', 'while true; do sleep 1; done', 'cat', 'yes > /dev/null', 'read x']) {
      client.stdin.write(`x=kept; ${command}\r`);
      await client.sees(`${command}\r\n`);
      client.stdin.write('\x03');
      await client.sees('^C\r\n/ # ');
    }
    client.stdin.write('sleep 100\r');
    await until(() => box.clock.pendingTimers > 0);
    client.stdin.write('\x03');
    await client.sees('^C\r\n/ # ');
    await enter('echo $?', '130\n');
    expect(box.clock.pendingTimers).toBe(0);
  });

  it.each(['read x', 'cat', 'x=1; head -n 1'])('ends %j at ^C while it waits for a line', async (command) => {
    client.stdin.write(`echo run; ${command}\r`);
    await client.sees('\r\nrun\r\n');
    await settled();
    client.stdin.write('\x03');
    await client.sees('^C\r\n/ # ');
    await enter('echo typed', 'typed\n');
  });

  it('keeps its state from before the line that ^C has ended', async () => {
    await enter('x=5; cd /etc; f() { echo "f $x"; }', '', '/etc # ');
    client.stdin.write('x=6; while :; do :; done\r');
    await client.sees('done\r\n');
    client.stdin.write('\x03');
    await client.sees('^C\r\n/etc # ');
    await enter('f', 'f 5\n', '/etc # ');
  });

  it('survives errors that would end a script', async () => {
    await enter('x=1', '');
    await enter('echo ${nothing?is unset}', 'bash: is unset\n');
    await enter('readonly r=1; r=2', 'bash: r: readonly variable\n');
    await enter('fi', "sh: syntax error near unexpected token `fi'\n");
    await enter('echo $x', '1\n');
  });

  it('lets programs read what is typed, up to ^D', async () => {
    client.stdin.write('cat\r');
    await client.sees('cat\r\n');
    client.stdin.write('line\r');
    await client.sees('line\r\nline\r\n');
    client.stdin.write('\x04');
    await client.sees('/ # ');
    client.stdin.write('read y\rtyped\r');
    await client.sees('/ # ');
    await enter('echo "[$y]"', '[typed]\n');
  });

  it('recalls lines with the arrows', async () => {
    await enter('echo one', 'one\n');
    await enter('echo two', 'two\n');
    client.stdin.write('\x1b[A\x1b[A\r');
    await client.sees('echo one\r\none\r\n/ # ');
  });

  it('knows the size of the terminal', async () => {
    client.resizeTo({ width: 100, height: 30 });
    await enter('stty size; echo $COLUMNS $LINES', '30 100\n100 30\n');
    client.resizeTo({ width: 50, height: 20 });
    await enter('stty size; echo $COLUMNS', '20 50\n50\n');
  });

  it('hides what is typed after stty -echo', async () => {
    await enter('stty -echo', '');
    client.stdin.write('echo visible\r');
    await client.sees('visible\r\n/ # ');
    expect(client.out).not.toContain('echo');
  });
});

describe('a terminal without a shell', () => {
  it('ends lines with carriage return and newline, and shows both outputs', async () => {
    const { client, done } = interact(box.runtime, ['sh', '-c', 'echo out; echo err >&2; ls /none']);
    await done;
    await client.sees('out\r\nerr\r\nls: /none: No such file or directory\r\n');
  });

  it('ends a program at ^C with 130', async () => {
    const { client, done } = interact(box.runtime, ['sleep', 'infinity']);
    await until(() => box.clock.pendingTimers > 0);
    client.stdin.write('\x03');
    expect(await done).toEqual({ kind: 'exit', code: 130 });
  });

  it('reports to programs that they have no terminal', async () => {
    expect(await run(box.runtime, ['stty', 'size'])).toMatchObject({
      err: "stty: 'standard input': Not a tty\n",
      result: { kind: 'exit', code: 1 },
    });
  });
});
