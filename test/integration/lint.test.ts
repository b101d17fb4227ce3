import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CommandResult, konnsim, scratchFolder } from '../support/konnsim.js';

const setUps = fileURLToPath(new URL('../unit/cli/lint/setups', import.meta.url));
const staticPod = join(setUps, 'static-pod.yaml');
const clean =
  'proxy-agent --ca-cert=ca --agent-cert=c --agent-key=k --proxy-server-host=servers.example --keepalive-time=30s\n';

let folder: Awaited<ReturnType<typeof scratchFolder>>;
const lint = (args: readonly string[], stdin = ''): Promise<CommandResult> =>
  konnsim(['lint', ...args], { cwd: folder.path, stdin });

beforeAll(async () => {
  folder = await scratchFolder();
  await writeFile(join(folder.path, 'agent.txt'), clean);
  await writeFile(join(folder.path, 'broken.yaml'), 'kind: Pod\nspec: [\n');
  await writeFile(join(folder.path, 'other.yaml'), 'kind: Service\n');
});
afterAll(() => folder.remove());

describe('konnsim lint', () => {
  it('prints each finding with its place, why, and what to do, and exits 4', async () => {
    const { stdout, stderr, code } = await lint([staticPod, '--idle-timeout', '60s', '--replicas', '3']);
    expect(stdout).toContain(
      [
        `${staticPod}:65: warning: proxy-agent pings after 1m0s, just when the idle timer ends [keepalive-equals-idle-timer]`,
        '  at:  DaemonSet kube-system/konnectivity-agent, container agent, --keepalive-time=60s',
        '  why: Ping and timer race, and the connection breaks now and then. (kubernetes/kubernetes#104109, kubermatic/kubermatic#11502)',
        '  do:  Set --keepalive-time to 30s, or to half of the timer.',
      ].join('\n'),
    );
    expect(stdout).toContain(
      `${staticPod}:11: error: proxy-server pings after 1h0m0s, the default, and the idle timer ends at 1m0s [keepalive-above-idle-timer]\n` +
        '  at:  Pod kube-system/konnectivity-server, container tunnel, --keepalive-time is not set\n',
    );
    expect(stderr).toBe('2 errors, 2 warnings, 4 notes in 1 proxy-server and 1 proxy-agent\n');
    expect(code).toBe(4);
  });

  it('prints nothing on stdout and exits 0 when all is well, and with notes only', async () => {
    const well = 'in 0 proxy-servers and 1 proxy-agent\n';
    expect(await lint(['--agent-flags', 'agent.txt', '--idle-timeout', '60s'])).toEqual({
      stdout: '',
      stderr: `0 errors, 0 warnings, 0 notes ${well}`,
      code: 0,
    });
    const { stderr, code } = await lint(['--agent-flags', '-'], `${clean.trim()} --sync-forever\n`);
    expect([stderr, code]).toEqual([`0 errors, 0 warnings, 1 note ${well}`, 0]);
  });

  it('reads stdin, several files and the maximum age, and answers with JSON', async () => {
    const manifest = await readFile(join(setUps, 'hosted.yaml'), 'utf8');
    const { stdout, stderr, code } = await lint(
      ['-', '--agent-flags', 'agent.txt', '--max-age', '1h', '--output', 'json'],
      manifest,
    );
    expect([stderr, code]).toEqual(['', 4]);
    const report: unknown = JSON.parse(stdout);
    expect(report).toMatchObject({ counts: { error: 0 } });
    expect(report).toHaveProperty('programs.length', 4);
    expect(report).toHaveProperty(
      'findings',
      expect.arrayContaining([
        expect.objectContaining({ rule: 'max-age-cuts-streams', severity: 'warning', flag: 'max-age' }),
        expect.objectContaining({
          rule: 'liveness-needs-peers',
          program: 'proxy-agent',
          file: 'stdin',
          line: 107,
          object: 'DaemonSet kube-system/konnectivity-agent',
          container: 'konnectivity-agent',
        }),
      ]),
    );
  });

  it.each([
    [['none.yaml'], /none\.yaml: .*no such file/, 'FILE_UNREADABLE'],
    [['broken.yaml'], /broken\.yaml:\d:\d+: no YAML: /, 'CONFIG_INVALID'],
    [['agent.txt'], /agent\.txt:1: this is not a Kubernetes object/, 'CONFIG_INVALID'],
    [['--agent-flags', 'other.yaml'], /other\.yaml:1: this is a manifest/, 'CONFIG_INVALID'],
    [['other.yaml'], /other\.yaml: no container runs proxy-server or proxy-agent/, 'CONFIG_INVALID'],
    [[], /konnsim lint needs a file/, 'USAGE'],
    [['-', '--agent-flags', '-'], /can be read only once/, 'USAGE'],
    [['agent.txt', '--idle-timeout', '60'], /must be a duration/, 'USAGE'],
    [['agent.txt', '--replicas', '0'], /whole number from 1 to 1000/, 'USAGE'],
  ])('answers bad input with one error, one hint and 2: %j', async (args, text, errorCode) => {
    const { stdout, stderr, code } = await lint(args);
    expect(stdout).toBe('');
    expect(stderr).toMatch(text);
    expect(stderr).toMatch(new RegExp(String.raw`^error: [^\n]+ \[${errorCode}\]\nhint: [^\n]+\n$`));
    expect(code).toBe(2);
  });

  it('is in the help', async () => {
    const { stdout } = await konnsim(['--help'], { cwd: folder.path });
    expect(stdout).toMatch(/For a real cluster:\n {2}lint /);
    expect(stdout).toContain('4 lint found something');
  });
});
