import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const repository = fileURLToPath(new URL('../..', import.meta.url));

export interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end; at most for four minutes. */
export async function runProgram(file: string, args: readonly string[], cwd: string): Promise<Output> {
  const run = promisify(execFile)(file, args, {
    cwd,
    timeout: 240_000,
    env: { ...process.env, NO_COLOR: '1' },
  });
  return run.then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout = '', stderr = '' }: Partial<Output>) => ({ code: Number(code ?? -1), stdout, stderr }),
  );
}

const unreachable =
  /code (E(?:NOTFOUND|NOTCACHED|AI_AGAIN|CONN\w+|TIMEDOUT|RR_SOCKET_TIMEOUT|NETUNREACH|HOSTUNREACH|5\d\d))/;

/** Installs packages in a folder, without their scripts. Resolves with the reason when the registry cannot be reached. */
export async function npmInstall(folder: string, packages: readonly string[]): Promise<string | undefined> {
  const offline = ['--prefer-offline', '--fetch-retries=1', '--fetch-timeout=20000'];
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund'];
  const args = ['install', '--omit=dev', ...quiet, ...offline, ...packages];
  const { code, stderr } = await runProgram('npm', args, folder);
  if (code === 0) return undefined;
  const reason = unreachable.exec(stderr);
  if (reason === null) throw new Error(`npm install: ${stderr}`);
  return `the package registry cannot be reached: ${reason[1]}`;
}

/** A user's project with the package in it, packed from `dist` as it is, and installed as for production. */
export class PackedProject {
  readonly folder: string;
  /** Why the package could not be installed, where that is no fault of it. */
  readonly unreachable: string | undefined;

  private constructor(folder: string, unreachable: string | undefined) {
    this.folder = folder;
    this.unreachable = unreachable;
  }

  static async create(): Promise<PackedProject> {
    const folder = await mkdtemp(join(tmpdir(), 'konnsim-package-'));
    const packed = await runProgram(
      'npm',
      ['pack', '--json', '--ignore-scripts', '--pack-destination', folder],
      repository,
    );
    const [{ filename }] = JSON.parse(packed.stdout) as [{ filename: string }];
    await writeFile(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
    return new PackedProject(folder, await npmInstall(folder, [`./${filename}`]));
  }

  at(...path: readonly string[]): string {
    return join(this.folder, ...path);
  }

  /** Runs a program in a folder of the project, default its own. */
  async run(file: string, args: readonly string[], folder = ''): Promise<Output> {
    return runProgram(file, args, this.at(folder));
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true });
  }
}
