import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { open, readdir, readFile, stat } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endsWithTest } from '../support/children.js';
import { type CommandResult, Konnsim, konnsim, konnsimProgram, scratchFolder } from '../support/konnsim.js';
import { once } from '../support/waits.js';

let folder: Awaited<ReturnType<typeof scratchFolder>>;
const at = (): { cwd: string } => ({ cwd: folder.path });

beforeAll(async () => {
  folder = await scratchFolder();
});
afterAll(() => folder.remove());

describe('konnsim demo', () => {
  it('tells the whole story and exits 0', async () => {
    const { code, stdout, stderr } = await konnsim(['demo', '--seed', '7'], at());
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toContain('exit code 7');
    expect(stdout).toContain('pod: web-2');
    expect(stdout).toMatch(/DIAL_REQ[\s\S]+DIAL_RSP[\s\S]+DATA[\s\S]+CLOSE_RSP/);
    expect(stdout).toContain('error: tunnel closed');
    expect(stdout).toContain('error: No agent available');
    expect(stdout).toMatch(/agent\/node-1 is back[\s\S]+hostname\n {3}web-1\n/);
    expect(stdout).not.toContain('did not arrive');
  });
});

describe('konnsim up', () => {
  let up: Konnsim;

  beforeAll(async () => {
    up = new Konnsim(['up', '--seed', '1'], at());
    await up.waitFor(/ready in \d+ ms {2}seed 1/);
    await up.waitFor(/Ctrl-C/);
  });
  afterAll(() => up.stop());

  it('writes a kubeconfig and addresses that only their owner can read', async () => {
    const lab = join(folder.path, '.konnsim');
    expect((await stat(lab)).mode & 0o777).toBe(0o700);
    for (const name of await readdir(lab)) expect((await stat(join(lab, name))).mode & 0o777).toBe(0o600);
    const addresses: unknown = JSON.parse(await readFile(join(lab, 'addresses.json'), 'utf8'));
    expect(addresses).toMatchObject({ seed: 1, pid: up.child.pid, kubeconfig: join(lab, 'kubeconfig') });
  });

  it('runs a command with exec, with its output and exit code', async () => {
    const command = ['exec', 'web-1', '--', 'sh', '-c', 'hostname; echo oops >&2; exit 9'];
    expect(await konnsim(command, at())).toEqual({ stdout: 'web-1\n', stderr: 'oops\n', code: 9 });
  });

  it('passes 5 MiB through cat with exec -i, with every byte right', async () => {
    const bytes = randomBytes(5 * 1024 * 1024);
    const run = new Konnsim(['exec', '-i', 'shell', '--', 'sha256sum'], { ...at(), stdin: bytes });
    const digest = createHash('sha256').update(bytes).digest('hex');
    expect((await run.finished()).stdout).toContain(digest);
  });

  it('reads a file to its end with exec -i', async () => {
    const input = await open('/dev/null');
    const child = endsWithTest(
      spawn(process.execPath, [konnsimProgram, 'exec', '-i', 'shell', '--', 'sh', '-c', 'cat; exit 4'], {
        ...at(),
        stdio: [input.fd, 'pipe', 'pipe'],
      }),
    );
    const [code] = (await once(child, 'close')) as [number];
    await input.close();
    expect(code).toBe(4);
  });

  it('gives a folder to only one of two labs that start at once', async () => {
    const labs = [1, 2].map(() => new Konnsim(['up', '--dir', 'contested'], at()));
    const loser = await Promise.race(labs.map(async (lab) => ({ lab, end: await lab.finished() })));
    expect(loser.end.stderr).toMatch(/a lab is already running there.*\[ADDRESS_IN_USE\]/);
    const winner = labs.find((lab) => lab !== loser.lab);
    await winner?.waitFor(/Ctrl-C/);
    expect((await konnsim(['exec', '--dir', 'contested', 'web-1', '--', 'true'], at())).code).toBe(0);
    expect((await winner?.stop())?.code).toBe(130);
    expect(await readdir(folder.path)).not.toContain('contested');
  });

  it('prints, cuts and follows a log with logs', async () => {
    const tail = await konnsim(['logs', 'web-1', '--tail', '1', '--timestamps'], at());
    expect(tail.stdout).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z listening on :8080\n$/);
    const follow = new Konnsim(['logs', '-f', 'counter'], at());
    await follow.waitFor(/1: .+ tick/);
    expect((await follow.stop()).code).toBe(130);
  });

  it('carries a connection with port-forward', async () => {
    const forward = new Konnsim(['port-forward', 'web-2', ':8080'], at());
    const [, port] = await forward.waitFor(/Forwarding from 127\.0\.0\.1:(\d+) -> 8080/);
    const answer = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } });
    expect(await answer.text()).toContain('pod: web-2');
    expect((await forward.stop()).code).toBe(130);
  });

  const failures: readonly [string, readonly string[], number, RegExp][] = [
    [
      'an unknown pod',
      ['exec', 'nobody', '--', 'true'],
      125,
      /error: pods "nobody" not found.*\[POD_NOT_FOUND\]/,
    ],
    [
      'an unknown container',
      ['exec', 'pair', '-c', 'third', '--', 'true'],
      125,
      /error: container third is not valid for pod pair.*\[CONTAINER_NOT_FOUND\]/,
    ],
    [
      'a program that is not there',
      ['exec', 'web-1', '--', 'nope'],
      125,
      /executable file not found in \$PATH/,
    ],
    ['the log of an unknown pod', ['logs', 'nobody'], 1, /\[POD_NOT_FOUND\]/],
    ['a previous log that is not there', ['logs', '-p', 'web-1'], 1, /previous terminated container "web"/],
    ['a malformed port', ['port-forward', 'web-1', 'http'], 2, /error: "http" is not a port pair.*\[USAGE\]/],
    ['a malformed number', ['logs', '--tail', 'all', 'web-1'], 2, /--tail.*must be a whole number/],
    ['an unknown flag', ['up', '--nodez', '3'], 2, /unknown option '--nodez'/],
    ['an unknown command', ['upp'], 2, /unknown command 'upp'/],
    [
      'a lab that is not there',
      ['exec', '--dir', 'nowhere', 'web-1', '--', 'true'],
      6,
      /\[LAB_UNREACHABLE\]/,
    ],
    ['a second lab in one folder', ['up'], 1, /a lab is already running there.*\[ADDRESS_IN_USE\]/],
  ];

  it.each(failures)(
    'says in one line what is wrong with %s, without a stack trace',
    async (_name, args, code, text) => {
      const result = await konnsim(args, at());
      expect(result.stderr).toMatch(text);
      expect(result.stderr).not.toMatch(/^\s+at .+:\d+:\d+/m);
      expect(result.code).toBe(code);
    },
  );

  it('names a port that is in use', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    for (const flag of ['--api-port', '--agent-port']) {
      const result = await konnsim(['up', '--dir', 'other', flag, String(port)], at());
      expect(result.stderr).toMatch(new RegExp(`error: .*${port}.*in use.*\\[ADDRESS_IN_USE\\]`));
      expect(result.code).toBe(1);
    }
    other.close();
    expect(await readdir(folder.path)).not.toContain('other');
  });

  it('clears up after one that was killed, also in its own folder', { timeout: 120_000 }, async () => {
    const own = await scratchFolder();
    const at = { cwd: own.path, env: { TMPDIR: own.path } };
    const killed = new Konnsim(['up', '--dir', 'lab'], at);
    await killed.waitFor(/Ctrl-C/);
    await killed.stop('SIGKILL');
    expect(await readdir(own.path)).toEqual([expect.stringMatching(/^konnsim-/), 'lab']);
    const next = new Konnsim(['up', '--dir', 'lab'], at);
    await next.waitFor(/Ctrl-C/);
    expect(await readdir(own.path)).toHaveLength(2);
    await next.stop('SIGINT');
    expect(await readdir(own.path)).toEqual([]);
    await own.remove();
  });

  it('leaves nothing behind after Ctrl-C', async () => {
    const own = await scratchFolder();
    const env = { TMPDIR: own.path };
    const lab = new Konnsim(['up', '--dir', 'lab'], { cwd: own.path, env });
    await lab.waitFor(/Ctrl-C/);
    expect(await readdir(own.path)).toEqual(expect.arrayContaining(['lab']));
    const end: CommandResult = await lab.stop('SIGINT');
    expect(end.code).toBe(130);
    expect(await readdir(own.path)).toEqual([]);
    await own.remove();
  });
});
