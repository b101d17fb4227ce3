import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { describe, it } from 'vitest';
import { endsWithTest, printed } from './children.js';
import { Pty } from './pty.js';

/** A kubectl on this machine. */
export interface KubectlBinary {
  readonly path: string;
  /** `1.33`. */
  readonly version: string;
  readonly minor: number;
}

export interface KubectlResult {
  readonly stdout: string;
  readonly stderr: string;
  /** Exit code; null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** It was killed because it took too long. */
  readonly timedOut: boolean;
}

export interface RunOptions {
  /** Written to stdin, which is then closed. */
  readonly stdin?: string | Buffer;
  /** Default 60 s. */
  readonly timeoutMs?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Runs inside a pseudo-terminal (made by `script`) of 24 rows and 80 columns, so that `-t` works. stdout then holds everything. */
  readonly terminal?: boolean;
  /** How output becomes text; `latin1` keeps every byte. Default `utf8`. */
  readonly encoding?: 'utf8' | 'latin1';
}

/** A kubectl that runs in the background. */
export interface KubectlProcess {
  readonly child: ChildProcessWithoutNullStreams;
  readonly result: Promise<KubectlResult>;
  /** Resolves with the match once stdout and stderr together hold it. Rejects when kubectl ends without it. */
  waitFor(pattern: RegExp): Promise<RegExpExecArray>;
  /** Changes the size of its terminal, as a user who pulls at the window does. */
  resize(rows: number, columns: number): void;
  /** Ends it (default SIGINT, as Ctrl-C does) and waits. */
  stop(signal?: NodeJS.Signals): Promise<KubectlResult>;
}

/** One kubectl with its own home, cache and kubeconfig. */
export interface Kubectl {
  readonly binary: KubectlBinary;
  run(args: readonly string[], options?: RunOptions): Promise<KubectlResult>;
  start(args: readonly string[], options?: RunOptions): KubectlProcess;
  /** Starts it on a terminal whose end can be looked at. */
  onTerminal(args: readonly string[]): Pty;
  /** Ends what still runs. */
  stopAll(): Promise<void>;
  /** Ends what still runs and removes the home. */
  close(): Promise<void>;
}

/** Asks the API server what it would make of a pod with the label `NAME=VALUE`, and creates none. */
export function dryRunPod(name: string, label: string): readonly string[] {
  return ['run', name, '--image=any', `--labels=${label}`, '--dry-run=server', '-o', 'yaml'];
}

const defaultTimeoutMs = 60_000;
const variable = 'KONNSIM_KUBECTL';

/**
 * All kubectls to test with: those that the variable KONNSIM_KUBECTL lists (paths, separated like PATH), else
 * `kubectl.1.NN` beside the `kubectl` on PATH, else that one itself.
 */
export function findKubectls(): readonly KubectlBinary[] {
  const listed = (process.env[variable] ?? '').split(delimiter).filter((path) => path !== '');
  if (listed.length > 0) return listed.map(inspectKubectl);
  const onPath = findOnPath('kubectl');
  if (onPath === undefined) return [];
  const folder = dirname(realpathSync(onPath));
  const versioned = readdirSync(folder)
    .filter((name) => /^kubectl\.1\.\d+$/.test(name))
    .sort()
    .map((name) => binary(join(folder, name), name.slice('kubectl.'.length)));
  return versioned.length > 0 ? versioned : [inspectKubectl(onPath)];
}

function findOnPath(name: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** Asks a kubectl for its version. */
export function inspectKubectl(path: string): KubectlBinary {
  const text = execFileSync(path, ['version', '--client', '-o', 'json'], { encoding: 'utf8' });
  const { major, minor } = JSON.parse(text).clientVersion as { major: string; minor: string };
  return binary(path, `${major}.${Number.parseInt(minor, 10)}`);
}

function binary(path: string, version: string): KubectlBinary {
  return { path, version, minor: Number(version.split('.')[1]) };
}

/** Defines a suite for each kubectl that is `wanted`. Without any, it says so instead of passing silently. */
export function describeEachKubectl(
  title: string,
  define: (binary: KubectlBinary) => void,
  wanted: (binary: KubectlBinary) => boolean = () => true,
): void {
  const found = findKubectls().filter(wanted);
  if (found.length === 0) {
    const reason = `no fitting kubectl on PATH or in ${variable}`;
    process.stderr.write(`SKIPPED: ${title}: ${reason}\n`);
    describe.skip(`${title} (SKIPPED: ${reason})`, () => it('needs a kubectl', () => undefined));
    return;
  }
  for (const each of found) describe(`${title}, kubectl ${each.version}`, () => define(each));
}

/** Gives a kubectl a fresh home with the given kubeconfig (YAML text). */
export async function createKubectl(which: KubectlBinary, kubeconfig: string): Promise<Kubectl> {
  const home = await mkdtemp(join(tmpdir(), 'konnsim-kubectl-'));
  const configPath = join(home, 'kubeconfig');
  await writeFile(configPath, kubeconfig, { mode: 0o600 });
  const running = new Set<KubectlProcess>();
  const terminals: Pty[] = [];
  const ownEnv = { PATH: process.env['PATH'] ?? '', TZ: 'UTC', HOME: home, KUBECONFIG: configPath };
  const start = (args: readonly string[], options: RunOptions = {}): KubectlProcess => {
    const env = { ...ownEnv, ...options.env };
    const started = follow(launch(which.path, args, { env, terminal: options.terminal ?? false }), options);
    running.add(started);
    void started.result.finally(() => running.delete(started));
    return started;
  };
  const stopAll = async (): Promise<void> => {
    await Promise.all([...running].map((each) => each.stop('SIGKILL')));
    await Promise.all(terminals.splice(0).map((each) => each.close()));
  };
  return {
    binary: which,
    start,
    onTerminal: (args) => {
      const pty = new Pty([which.path, ...args], { cwd: home, env: ownEnv });
      terminals.push(pty);
      return pty;
    },
    run: (args, options = {}) => start(args, { stdin: '', ...options }).result,
    stopAll,
    async close() {
      await stopAll();
      await rm(home, { recursive: true, force: true });
    },
  };
}

function launch(
  path: string,
  args: readonly string[],
  { env, terminal }: { env: NodeJS.ProcessEnv; terminal: boolean },
): ChildProcessWithoutNullStreams {
  if (!terminal) return endsWithTest(spawn(path, args, { env }));
  const command = [path, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
  const sized = `stty rows 24 cols 80; exec ${command}`;
  return endsWithTest(spawn('script', ['-qefc', sized, '/dev/null'], { env }));
}

function follow(child: ChildProcessWithoutNullStreams, options: RunOptions): KubectlProcess {
  const output = { stdout: '', stderr: '', both: '', timedOut: false };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding(options.encoding ?? 'utf8').on('data', (text: string) => {
      output[name] += text;
      output.both += text;
    });
  }
  child.stdin.on('error', () => undefined);
  if (options.stdin !== undefined) child.stdin.end(options.stdin);
  const timer = setTimeout(() => {
    output.timedOut = true;
    child.kill('SIGKILL');
  }, options.timeoutMs ?? defaultTimeoutMs);
  const result = new Promise<KubectlResult>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      const { stdout, stderr, timedOut } = output;
      resolve({ stdout, stderr, code, signal, timedOut });
    });
  });
  return {
    child,
    result,
    waitFor: (pattern) =>
      printed({ name: 'kubectl', child, ended: result, output: () => output.both }, pattern),
    resize: (rows, columns) => resizeTerminal(child, rows, columns),
    stop: (signal = 'SIGINT') => {
      child.kill(signal);
      return result;
    },
  };
}

/** The terminal is that of the process that `script` runs. */
function resizeTerminal({ pid }: ChildProcessWithoutNullStreams, rows: number, columns: number): void {
  const [inside] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ');
  const device = readlinkSync(`/proc/${inside}/fd/0`);
  execFileSync('stty', ['-F', device, 'rows', String(rows), 'cols', String(columns)]);
}
