import { afterEach, describe, expect, it } from 'vitest';
import type { SandboxRuntime } from '../../../src/containers/sandbox-runtime.js';
import { eventually, until } from '../../support/waits.js';
import { Client, interact, main, noise, run, sandbox, settled, sh } from './support.js';

let open: SandboxRuntime[] = [];

function start(): ReturnType<typeof sandbox> {
  const made = sandbox();
  open.push(made.runtime);
  return made;
}

afterEach(async () => {
  await Promise.all(open.map((runtime) => runtime.close()));
  open = [];
});

describe('exec of a program', () => {
  it('passes output, error output and exit code through', async () => {
    const { runtime } = start();
    expect(await run(runtime, ['cat', '/etc/hostname'])).toMatchObject({
      out: 'web-0\n',
      err: '',
      result: { kind: 'exit', code: 0 },
    });
    expect(await run(runtime, ['cat', '/none'])).toMatchObject({
      out: '',
      err: 'cat: /none: No such file or directory\n',
      result: { kind: 'exit', code: 1 },
    });
    expect((await run(runtime, ['false'])).result).toEqual({ kind: 'exit', code: 1 });
    expect((await run(runtime, ['test', '-d', '/tmp'])).result).toEqual({ kind: 'exit', code: 0 });
    expect((await run(runtime, ['test', '-d', '/none'])).result).toEqual({ kind: 'exit', code: 1 });
  });

  it('passes arguments on without a shell', async () => {
    const { runtime } = start();
    expect((await run(runtime, ['echo', '$HOME', '*', 'a  b'])).out).toBe('$HOME * a  b\n');
    expect((await run(runtime, ['printf', '%s|', 'a b', "it's", '$x'])).out).toBe("a b|it's|$x|");
  });

  it('gives the container its own variables, with the lab’s names and not the host’s', async () => {
    const { runtime } = start();
    const { out } = await run(runtime, ['env']);
    expect(out.split('\n')).toEqual(expect.arrayContaining(['COLOUR=blue', 'HOSTNAME=web-0', 'HOME=/root']));
    expect((await run(runtime, ['date', '-u', '+%FT%TZ'])).out).toBe('2026-01-02T03:04:05Z\n');
    expect((await run(runtime, ['id', '-u'])).out).toBe('0\n');
  });

  it('reports a missing program with the text of a container runtime', async () => {
    const { runtime } = start();
    const { result } = await run(runtime, ['foo', 'bar']);
    expect(result.kind).toBe('error');
    expect(result).toMatchObject({
      message: expect.stringMatching(
        /^failed to exec in container: failed to start exec "[0-9a-f]{64}": OCI runtime exec failed: exec failed: unable to start container process: exec: "foo": executable file not found in \$PATH: unknown$/,
      ),
    });
    expect((await run(runtime, ['/bin/foo'])).result).toMatchObject({
      message: expect.stringContaining('exec: "/bin/foo": stat /bin/foo: no such file or directory: unknown'),
    });
    expect((await run(runtime, ['/etc/hostname'])).result).toMatchObject({
      message: expect.stringContaining('exec: "/etc/hostname": permission denied: unknown'),
    });
  });

  it('gives the same error text for the same seed', async () => {
    const [first, second] = await Promise.all([run(start().runtime, ['foo']), run(start().runtime, ['foo'])]);
    expect(first.result).toEqual(second.result);
  });

  it('shares files between the execs of one container only', async () => {
    const { runtime } = start();
    await sh(runtime, 'mkdir /data; echo kept > /data/f');
    expect((await run(runtime, ['cat', '/data/f'])).out).toBe('kept\n');
    expect((await run(start().runtime, ['cat', '/data/f'])).result).toEqual({ kind: 'exit', code: 1 });
  });

  it('archives and unpacks files through its standard streams', async () => {
    const { runtime } = start();
    const bytes = Buffer.from([0, 0xff, 0xe9, 0x0a, 0xc3]);
    await sh(runtime, 'cat > /tmp/b', bytes);
    const archive = await run(runtime, ['tar', 'cf', '-', '/tmp/b']);
    expect(archive.bytes.subarray(0, 5).toString()).toBe('tmp/b');
    expect(archive.err).toBe("tar: Removing leading `/' from member names\n");
    const other = start().runtime;
    expect((await run(other, ['tar', '-xmf', '-', '-C', '/srv'], archive.bytes)).result).toEqual({
      kind: 'exit',
      code: 0,
    });
    expect((await run(other, ['cat', '/srv/tmp/b'])).bytes).toEqual(bytes);
    const noPreserve = ['tar', '--no-same-permissions', '--no-same-owner', '-xmf', '-'];
    expect((await run(other, noPreserve, archive.bytes)).result).toEqual({ kind: 'exit', code: 0 });
    expect((await run(other, ['tar', 'cf', '-', '-C', '/srv', 'tmp'])).bytes.subarray(0, 4).toString()).toBe(
      'tmp/',
    );
  });

  it('follows a file until it is killed', async () => {
    const { runtime, clock } = start();
    await sh(runtime, 'seq 1 20 > /tmp/log');
    const client = new Client();
    const done = runtime.exec({ ...main, command: ['tail', '-f', '/tmp/log'], tty: false }, client);
    await client.sees('11\n12\n13\n14\n15\n16\n17\n18\n19\n20\n');
    await sh(runtime, 'echo more >> /tmp/log');
    clock.advance(1000);
    await client.sees('more\n');
    runtime.restartContainer(main);
    expect(await done).toEqual({ kind: 'exit', code: 137 });
  });
});

describe('exec of sh -c', () => {
  it.each([
    ['exit 3', '', 3],
    ['echo a; false || echo b && echo c', 'a\nb\nc\n', 0],
    ['echo $HOME on $(hostname)', '/root on web-0\n', 0],
    ['x=$(echo sub | tr a-z A-Z); echo "$x ${#x}"', 'SUB 3\n', 0],
    ['for i in 1 2 3; do echo $i; done; exit 4', '1\n2\n3\n', 4],
    ['if [ -f /etc/hosts ]; then echo yes; fi', 'yes\n', 0],
    ['f() { echo "f:$1"; return 2; }; f x; echo $?', 'f:x\n2\n', 0],
    ['cd /etc && pwd && cat hostname', '/etc\nweb-0\n', 0],
    ['set -e; false; echo no', '', 1],
    ['(exit 5); echo $?', '5\n', 0],
    ["printf 'b\\na\\n' | sort | tr '\\n' ,", 'a,b,', 0],
    ['echo é | cat; echo $COLOUR', 'é\nblue\n', 0],
    ['cat <<EOF\nhere $COLOUR\nEOF', 'here blue\n', 0],
    ['sh -c "echo nested; exit 6"; echo $?', 'nested\n6\n', 0],
    ['echo hidden > /tmp/o; cat < /tmp/o >/dev/null; wc -c < /tmp/o', '7\n', 0],
    ['yes | head -n 2; x=1; yes x$x | head -n 1', 'y\ny\nx1\n', 0],
    ['exec cat /etc/hostname', 'web-0\n', 0],
    ['set -x; echo a', 'a\n', 0],
  ])('runs %j', async (script, out, code) => {
    const { runtime } = start();
    expect(await sh(runtime, script)).toMatchObject({ out, result: { kind: 'exit', code } });
  });

  it('keeps the two outputs apart, and joins them on request', async () => {
    const { runtime } = start();
    expect(await sh(runtime, 'echo o; echo e >&2; nosuch')).toMatchObject({
      out: 'o\n',
      err: 'e\nbash: nosuch: command not found\n',
      result: { kind: 'exit', code: 127 },
    });
    expect(await sh(runtime, 'cat /none 2>&1; x=1; ls /none 2>/dev/null')).toMatchObject({
      out: 'cat: /none: No such file or directory\n',
      err: '',
    });
    expect((await sh(runtime, 'set -x; echo a')).err).toBe('+ echo a\n');
  });

  it('passes $1 and the following to the script', async () => {
    const { runtime } = start();
    const { out } = await run(runtime, ['sh', '-c', 'echo $1-$2 $#', 'name', 'A', "B 'C"]);
    expect(out).toBe("A-B 'C 2\n");
  });

  it('runs script files, by sh and by name', async () => {
    const { runtime } = start();
    await sh(runtime, 'echo \'echo "got $1"\' > /tmp/s.sh; chmod +x /tmp/s.sh');
    expect((await run(runtime, ['sh', '/tmp/s.sh', 'a'])).out).toBe('got a\n');
    expect((await run(runtime, ['/tmp/s.sh', 'b'])).out).toBe('got b\n');
    expect(await run(runtime, ['sh', '/none'])).toMatchObject({
      err: "sh: can't open '/none': No such file or directory\n",
      result: { kind: 'exit', code: 2 },
    });
  });

  it('answers a syntax error with code 2', async () => {
    const { runtime } = start();
    expect(await sh(runtime, 'fi')).toMatchObject({
      err: "sh: syntax error near unexpected token `fi'\n",
      result: { kind: 'exit', code: 2 },
    });
    expect(await sh(runtime, 'echo "open')).toMatchObject({ result: { kind: 'exit', code: 2 } });
  });

  it('sends output while the script is running', async () => {
    const { runtime, clock } = start();
    const client = new Client();
    const command = ['sh', '-c', 'for i in 1 2; do echo tick $i; sleep 10; done; echo end'];
    const done = runtime.exec({ ...main, command, tty: false }, client);
    await client.sees('tick 1\n');
    await until(() => clock.pendingTimers === 1);
    clock.advance(10_000);
    await client.sees('tick 2\n');
    expect(client.out).toBe('');
    await until(() => clock.pendingTimers === 1);
    clock.advance(10_000);
    expect(await done).toEqual({ kind: 'exit', code: 0 });
    await client.sees('end\n');
  });
});

describe('a command whose client leaves', () => {
  it.each([
    [['sleep', '3']],
    [['sleep', 'infinity']],
    [['yes']],
    [['sh', '-c', 'sleep 3; echo no']],
    [['sh', '-c', 'x=1; sleep 3; echo no']],
    [['sh', '-c', 'while :; do :; done']],
    [['sh', '-c', 'f() { while true; do cat /etc/hostname; done; }; f | grep none; sleep 1']],
  ])('goes on, %j, until the container ends, and leaves no timer', async (command) => {
    const { runtime, clock } = start();
    const client = new Client();
    let code: unknown;
    const done = runtime.exec({ ...main, command, tty: false }, client).then((result) => {
      code = result;
    });
    await settled();
    client.abort();
    await settled();
    expect(code).toBeUndefined();
    runtime.restartContainer(main);
    await done;
    expect(code).toEqual({ kind: 'exit', code: 137 });
    expect(clock.pendingTimers).toBe(0);
  });

  it.each([[['cat']], [['sh']]])('has an end of input: %j ends by itself', async (command) => {
    const { runtime } = start();
    const client = new Client();
    const done = runtime.exec({ ...main, command, tty: false }, client);
    client.abort();
    expect(await done).toEqual({ kind: 'exit', code: 0 });
  });

  it('reads everything that the client sent, and finishes its work', async () => {
    const { runtime, clock } = start();
    const client = new Client();
    const bytes = noise(1024 * 1024);
    const command = ['sh', '-c', 'cat > /one; sleep 1; echo more >> /one'];
    const done = runtime.exec({ ...main, command, tty: false }, client);
    client.stdin.write(bytes);
    client.abort();
    await until(() => clock.pendingTimers === 1);
    clock.advance(1000);
    expect(await done).toEqual({ kind: 'exit', code: 0 });
    const { bytes: read } = await run(runtime, ['cat', '/one']);
    expect(read.equals(Buffer.concat([bytes, Buffer.from('more\n')]))).toBe(true);
  });

  it('may write as much as pipes hold, and then blocks', async () => {
    const { runtime } = start();
    const client = new Client();
    client.abort();
    const little = ['sh', '-c', 'head -c 100000 /dev/zero; echo written > /little'];
    expect(await runtime.exec({ ...main, command: little, tty: false }, client)).toEqual({
      kind: 'exit',
      code: 0,
    });
    const much = ['sh', '-c', 'head -c 200000 /dev/zero; echo written > /much'];
    const done = runtime.exec({ ...main, command: much, tty: false }, client);
    expect((await sh(runtime, 'cat /little; cat /much 2>&1')).out).toMatch(/^written\ncat: .*No such file/);
    runtime.restartContainer(main);
    expect(await done).toEqual({ kind: 'exit', code: 137 });
  });

  it('keeps its terminal: a shell waits for the next key', async () => {
    const { runtime } = start();
    const { client, done } = interact(runtime, ['sh']);
    await client.sees('# ');
    client.stdin.write('echo a; sleep 0; echo written > /typed\r');
    client.abort();
    await eventually(async () => expect((await sh(runtime, 'cat /typed')).out).toBe('written\n'));
    const [pod] = await runtime.usage();
    expect(pod?.containers[0]?.processes).toBe(2);
    runtime.restartContainer(main);
    expect(await done).toEqual({ kind: 'exit', code: 137 });
  });

  it('is killed at once if it must end with its client', async () => {
    const { runtime, clock } = start();
    const client = new Client();
    const request = { ...main, command: ['sleep', '3'], tty: false, endsWithClient: true };
    const done = runtime.exec(request, client);
    await until(() => clock.pendingTimers === 1);
    client.abort();
    expect(await done).toEqual({ kind: 'exit', code: 137 });
    expect(clock.pendingTimers).toBe(0);
  });

  it('by timeout does not end the script', async () => {
    const { runtime, clock } = start();
    expect((await sh(runtime, 'timeout 0.01 sleep 100; echo $?')).out).toBe('124\n');
    expect(clock.pendingTimers).toBe(0);
  });

  it('ends a sleep at its time', async () => {
    const { runtime, clock } = start();
    const done = run(runtime, ['sleep', '1.5', '1s']);
    await until(() => clock.pendingTimers === 1);
    clock.advance(2499);
    expect(clock.pendingTimers).toBe(1);
    clock.advance(1);
    expect((await done).result).toEqual({ kind: 'exit', code: 0 });
  });
});

describe('many at once', () => {
  it('keeps two hundred execs apart', async () => {
    const { runtime } = start();
    const runs = Array.from({ length: 200 }, (_, index) =>
      index % 2 === 0
        ? run(runtime, ['cat'], `input ${index}`)
        : sh(runtime, `x=${index}; for i in 1 2; do echo $x; done; exit ${index % 100}`),
    );
    for (const [index, ran] of (await Promise.all(runs)).entries()) {
      expect(ran.out).toBe(index % 2 === 0 ? `input ${index}` : `${index}\n${index}\n`);
      expect(ran.result).toEqual({ kind: 'exit', code: index % 2 === 0 ? 0 : index % 100 });
    }
  });
});

describe('the pod and container of an exec', () => {
  it('must exist, with the texts of a kubelet', async () => {
    const { runtime } = start();
    const other = { ...main, pod: 'none' };
    expect(() => runtime.checkContainer(other)).toThrow(
      expect.objectContaining({ code: 'POD_NOT_FOUND', message: 'pod does not exist' }),
    );
    expect(() => runtime.checkContainer({ ...main, uid: 'other' })).toThrow('pod does not exist');
    expect(() => runtime.checkContainer({ ...main, container: 'c' })).toThrow(
      expect.objectContaining({ code: 'CONTAINER_NOT_FOUND', message: 'container not found ("c")' }),
    );
    runtime.checkContainer({ ...main, uid: 'uid-web-0' });
    await expect(runtime.exec({ ...other, command: ['ls'], tty: false }, new Client())).rejects.toMatchObject(
      { code: 'POD_NOT_FOUND' },
    );
    await expect(runtime.exec({ ...main, command: [], tty: false }, new Client())).rejects.toMatchObject({
      code: 'BAD_REQUEST',
    });
  });
});
