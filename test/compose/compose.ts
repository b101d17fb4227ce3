import { type ExecFileException, execFile } from 'node:child_process';
import { type AddressInfo, createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { once } from '../support/waits.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface ComposeResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ComposeOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** One project of compose.yaml, under a name and on a port of its own. */
export class Compose {
  readonly project: string;
  private readonly files: readonly string[];
  private readonly env: Record<string, string>;

  /** `envFile` fills compose.yaml in; what `env` holds goes before it. */
  constructor(project: string, envFile?: string, env: Readonly<Record<string, string>> = {}) {
    this.project = project;
    this.files = envFile === undefined ? [] : ['--env-file', envFile];
    this.env = { ...env };
  }

  /** Changes what compose.yaml is filled in with from now on. */
  set(env: Readonly<Record<string, string>>): void {
    Object.assign(this.env, env);
  }

  /** Runs `docker compose …`. Resolves with whatever code it ends. */
  try(args: readonly string[], { timeoutMs = 120_000 }: ComposeOptions = {}): Promise<ComposeResult> {
    return run('docker', ['compose', '-p', this.project, ...this.files, ...args], {
      env: this.env,
      timeoutMs,
    });
  }

  /** As `try`, and rejects when it fails. Resolves with stdout. */
  async do(args: readonly string[], options?: ComposeOptions): Promise<string> {
    const result = await this.try(args, options);
    if (result.code !== 0)
      throw new Error(`docker compose ${args.join(' ')}: ${result.stderr}${result.stdout}`);
    return result.stdout;
  }

  /** Runs a program in a service's container. */
  exec(service: string, command: readonly string[], options?: ComposeOptions): Promise<ComposeResult> {
    return this.try(['exec', '-T', service, ...command], options);
  }

  /** Runs a script in which `docker compose` means this project. */
  bash(script: string, { timeoutMs = 120_000 }: ComposeOptions = {}): Promise<ComposeResult> {
    const env = { ...this.env, COMPOSE_PROJECT_NAME: this.project };
    return run('bash', ['-c', script], { env, timeoutMs });
  }

  /** What the engine knows of a service's container. */
  async inspect(service: string): Promise<ContainerFacts> {
    const id = (await this.do(['ps', '-a', '-q', service])).trim();
    const { stdout } = await run('docker', ['inspect', id], { env: {}, timeoutMs: 20_000 });
    return (JSON.parse(stdout) as ContainerFacts[])[0] as ContainerFacts;
  }
}

/** The part of `docker inspect` that the tests look at. */
export interface ContainerFacts {
  readonly Config: { readonly User: string; readonly Env: readonly string[] };
  readonly State: {
    readonly ExitCode: number;
    readonly Health?: {
      readonly Status: string;
      readonly Log: readonly { readonly Start: string; readonly End: string; readonly ExitCode: number }[];
    };
  };
  readonly HostConfig: {
    readonly ReadonlyRootfs: boolean;
    readonly Privileged: boolean;
    readonly CapDrop: readonly string[] | null;
    readonly CapAdd: readonly string[] | null;
    readonly SecurityOpt: readonly string[] | null;
  };
  readonly NetworkSettings: {
    readonly Networks: Readonly<Record<string, { readonly IPAddress: string }>>;
    readonly Ports: Readonly<Record<string, readonly { readonly HostIp: string }[] | null>>;
  };
}

export function run(
  program: string,
  args: readonly string[],
  { env, timeoutMs }: { readonly env: Readonly<Record<string, string>>; readonly timeoutMs: number },
): Promise<ComposeResult> {
  return new Promise((resolve) => {
    const options = {
      cwd: root,
      env: { ...process.env, ...env },
      timeout: timeoutMs,
      maxBuffer: 64 * 1024 * 1024,
    };
    execFile(program, args, options, (error: ExecFileException | null, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr });
    });
  });
}

/** A port of the loopback that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Tries again until `work` does not throw any more. */
export async function eventually<T>(work: () => Promise<T>, withinMs = 60_000): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}
