import { afterEach, describe, expect, it } from 'vitest';
import type { Behaviour, ExecAnswer, ExecRule, LogsRule } from '../../../src/containers/behaviours.js';
import type { SandboxRuntime } from '../../../src/containers/sandbox-runtime.js';
import { soon, until } from '../../support/waits.js';
import { Client, collect, main, run, sandbox, settled, sh } from './support.js';

let open: SandboxRuntime[] = [];
afterEach(async () => {
  await Promise.all(open.map((runtime) => runtime.close()));
  open = [];
});

function start(...behaviours: Behaviour[]): ReturnType<typeof sandbox> {
  const box = sandbox(undefined, { behaviours });
  open.push(box.runtime);
  return box;
}

const forPod = { name: 'web-0', namespace: 'default' };
const exec = (...execs: ExecRule[]): Behaviour => ({ kind: 'Exec', metadata: forPod, spec: { execs } });
const answering = (answer: ExecAnswer): Behaviour => exec({ answer });
const out = async (runtime: SandboxRuntime, command: readonly string[]): Promise<string> =>
  (await run(runtime, command)).out;

describe('Exec behaviours', () => {
  it('match the whole command, its beginning, or a pattern; the first rule wins, and other commands run in the sandbox', async () => {
    const { runtime } = start(
      exec(
        { match: { argv: ['ls', '/a'] }, answer: { stdout: 'exact' } },
        { match: { prefix: ['ls'] }, answer: { stdout: 'prefix' } },
        { match: { pattern: '^cat /etc/.*name$' }, answer: { stdout: 'pattern' } },
      ),
    );
    expect(await out(runtime, ['ls', '/a'])).toBe('exact');
    expect(await out(runtime, ['ls', '/a', '/b'])).toBe('prefix');
    expect(await out(runtime, ['cat', '/etc/hostname'])).toBe('pattern');
    expect(await out(runtime, ['cat', '/etc/hosts'])).toContain('localhost');
  });

  it('are chosen by pod, by container and by selector', async () => {
    const cluster = (selector: object, stdout: string): Behaviour => ({
      kind: 'ClusterExec',
      metadata: { name: stdout },
      spec: { selector, execs: [{ answer: { stdout } }] },
    });
    const elsewhere: Behaviour = {
      ...exec({ answer: { stdout: 'no' } }),
      metadata: { name: 'web-1', namespace: 'default' },
    } as Behaviour;
    const others = exec({ containers: ['sidecar'], answer: { stdout: 'no' } });
    const misses = [
      elsewhere,
      others,
      cluster({ matchNamespaces: ['kube-system'] }, 'no'),
      cluster({ matchNames: ['web-1'] }, 'no'),
    ];
    expect(await out(start(...misses).runtime, ['echo', 'sandbox'])).toBe('sandbox\n');
    expect(
      await out(
        start(cluster({}, 'all'), exec({ containers: ['main'], answer: { stdout: 'own' } })).runtime,
        ['ls'],
      ),
    ).toBe('own');
    expect(
      await out(start(cluster({ matchNamespaces: ['default'], matchNames: ['web-0'] }, 'both')).runtime, [
        'ls',
      ]),
    ).toBe('both');
  });

  it('answer with both outputs and an exit code', async () => {
    const { runtime } = start(answering({ stdout: 'o\n', stderr: 'e\n', exitCode: 42 }));
    expect(await run(runtime, ['x'])).toEqual(
      expect.objectContaining({ out: 'o\n', err: 'e\n', result: { kind: 'exit', code: 42 } }),
    );
  });

  it('fail with a text', async () => {
    const { runtime } = start(answering({ error: 'scripted: no' }));
    expect((await run(runtime, ['x'])).result).toEqual({ kind: 'error', message: 'scripted: no' });
  });

  it('generate as many bytes as configured, the same each time', async () => {
    const counting = await run(start(answering({ bytes: 300_000 })).runtime, ['x']);
    const expected = Buffer.from(Uint8Array.from({ length: 300_000 }, (_, index) => index & 0xff));
    expect(counting.bytes.equals(expected)).toBe(true);
    const seeded = (seed: number) =>
      run(start(answering({ bytes: 1000, byteSource: 'seeded', seed })).runtime, ['x']);
    const [one, same, other] = await Promise.all([seeded(7), seeded(7), seeded(8)]);
    expect(one.bytes).toHaveLength(1000);
    expect(one.bytes).toEqual(same.bytes);
    expect(one.bytes).not.toEqual(other.bytes);
  });

  it('keep their delay and their rate, in lab time', async () => {
    const { runtime, clock } = start(answering({ delayMs: 500, bytes: 1000, bytesPerSecond: 1000 }));
    const client = new Client();
    const done = runtime.exec({ ...main, command: ['x'], tty: false }, client);
    let elapsedMs = 0;
    let ended = false;
    void done.then(() => {
      ended = true;
    });
    for (; !ended; elapsedMs += 10) {
      clock.advance(10);
      await settled();
      if (elapsedMs < 490) expect(client.bytes.length).toBe(0);
      if (elapsedMs === 1000) expect(client.bytes.length).toBeGreaterThan(400);
      if (elapsedMs === 1000) expect(client.bytes.length).toBeLessThan(650);
    }
    expect(client.bytes.length).toBe(1000);
    expect(elapsedMs).toBeGreaterThanOrEqual(1500);
    expect(elapsedMs).toBeLessThan(1600);
  });

  it('can be aborted while they wait', async () => {
    const { runtime, clock } = start(answering({ delayMs: 1e6 }));
    const client = new Client();
    const done = runtime.exec({ ...main, command: ['x'], tty: false }, client);
    await until(() => clock.pendingTimers === 1);
    client.abort();
    expect(await done).toEqual({ kind: 'exit', code: 137 });
    expect(clock.pendingTimers).toBe(0);
  });

  it('break the connection after the configured number of bytes', async () => {
    const { runtime } = start(answering({ bytes: 1e6, disconnectAfterBytes: 1000 }));
    const client = new Client();
    const broken = soon<Error>((resolve) => client.stdout.once('error', resolve), 'error of the output');
    expect((await runtime.exec({ ...main, command: ['x'], tty: false }, client)).kind).toBe('error');
    expect(await broken).toMatchObject({ code: 'ECONNRESET' });
    expect(client.bytes.length).toBeLessThanOrEqual(1000);
  });

  it('set directory and variables of the sandbox, as local does', async () => {
    const { runtime } = start(exec({ local: { workDir: '/etc', envs: [{ name: 'COLOUR', value: 'red' }] } }));
    expect((await sh(runtime, 'pwd; echo $COLOUR')).out).toBe('/etc\nred\n');
    expect(await out(runtime, ['cat', 'hostname'])).toBe('web-0\n');
  });

  it('translate line ends for a terminal', async () => {
    const { runtime } = start(answering({ stdout: 'a\n', stderr: 'b\n' }));
    const client = new Client();
    await runtime.exec({ ...main, command: ['x'], tty: true }, client);
    await client.sees('a\r\nb\r\n');
  });

  it('must have patterns that are regular expressions', () => {
    expect(() => start(exec({ match: { pattern: '(' } }))).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
  });
});

describe('Logs and Attach behaviours', () => {
  const request = { ...main, follow: false, previous: false, timestamps: false } as const;
  const never = new AbortController().signal;
  const logs = (rule: LogsRule): Behaviour => ({
    kind: 'ClusterLogs',
    metadata: { name: 'l' },
    spec: { logs: [rule] },
  });

  it('give content, a file of the container, or an error', async () => {
    const inline = start(logs({ content: 'a\nb\n', previousContent: 'old\n' })).runtime;
    expect(await collect(await inline.logs({ ...request, tailLines: 1 }, never))).toBe('b\n');
    expect(await collect(await inline.logs({ ...request, previous: true }, never))).toBe('old\n');
    const file = start(logs({ logsFile: '/var/log/app' })).runtime;
    await expect(file.logs(request, never)).rejects.toMatchObject({
      message: 'open /var/log/app: no such file or directory',
    });
    await sh(file, 'echo from file > /var/log/app');
    expect(await collect(await file.logs({ ...request, follow: true }, never))).toBe('from file\n');
    const error = start(logs({ error: 'scripted' })).runtime;
    await expect(error.logs(request, never)).rejects.toMatchObject({
      code: 'LOGS_UNAVAILABLE',
      message: 'scripted',
    });
  });

  it('keep a follower until the container ends', async () => {
    const { runtime } = start(logs({ content: 'a\n', follow: true }));
    let ended = false;
    const text = collect(await runtime.logs({ ...request, follow: true }, never)).finally(() => {
      ended = true;
    });
    await settled();
    expect(ended).toBe(false);
    runtime.stopContainer(main);
    expect(await text).toBe('a\n');
  });

  it('replay an attach', async () => {
    const behaviour: Behaviour = {
      kind: 'Attach',
      metadata: forPod,
      spec: { attaches: [{ content: 'attached\n' }] },
    };
    const { runtime } = start(behaviour);
    const client = new Client();
    expect(await runtime.attach(main, client)).toEqual({ kind: 'exit', code: 0 });
    await client.sees('attached\n');
  });
});
