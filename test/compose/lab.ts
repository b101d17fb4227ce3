import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKubectl, findKubectls, type Kubectl } from '../support/kubectl.js';
import { Compose, eventually, freePort } from './compose.js';

export interface ComposeLab {
  readonly compose: Compose;
  readonly kubectl: Kubectl;
  /** Runs the newest kubectl, with the exit code. */
  readonly run: Kubectl['run'];
  /** A service's page of metrics, read within its container. */
  metrics(service: keyof typeof healthPorts): Promise<string>;
  /** Pastes lines into one bash, as of a user of this project. Resolves with what became of each. */
  paste(lines: readonly string[]): Promise<readonly Pasted[]>;
  /** Waits until a command runs in the pods of both nodes. */
  healed(): Promise<void>;
  close(): Promise<void>;
}

export interface Pasted {
  readonly code: number;
  /** stdout and stderr. */
  readonly output: string;
}

/** The services whose containers stay. */
export const services = [
  'balancer',
  'apiserver',
  'server',
  'middlebox',
  'agent-1',
  'agent-2',
  'kubelet-1',
  'kubelet-2',
] as const;

/** A pod of each node. */
export const podOf = { 'node-1': 'shell', 'node-2': 'counter' } as const;

/** Where services serve `/metrics`, on the loopback of their containers. */
const healthPorts = {
  server: 8092,
  'agent-1': 8093,
  'agent-2': 8093,
  balancer: 8096,
  middlebox: 8096,
} as const;

/** Builds the image if need be and starts everything. */
export async function startComposeLab(
  name: string,
  env: Readonly<Record<string, string>> = {},
  envFile?: string,
): Promise<ComposeLab> {
  const compose = new Compose(`konnsim-${name}`, envFile, {
    KONNSIM_API_PORT: String(await freePort()),
    ...env,
  });
  await compose.try(['down', '--volumes', '--timeout', '3']);
  await compose.do(['up', '--wait', '--build'], { timeoutMs: 600_000 });
  const binary = findKubectls().at(-1);
  if (binary === undefined) throw new Error('the compose tests need a kubectl');
  const kubeconfig = await compose.do(['exec', '-T', 'apiserver', 'cat', '/certs/kubeconfig']);
  const kubectl = await createKubectl(binary, kubeconfig);
  const works = async (pod: string): Promise<void> => {
    const { code, stderr } = await kubectl.run(['exec', pod, '--', 'true'], { timeoutMs: 10_000 });
    if (code !== 0) throw new Error(`${pod} is not reachable again: ${stderr}`);
  };
  return {
    compose,
    kubectl,
    run: kubectl.run,
    async metrics(service) {
      const get = `exec 3<>/dev/tcp/127.0.0.1/${healthPorts[service]}; printf 'GET /metrics HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3`;
      return (await compose.exec(service, ['bash', '-c', get])).stdout;
    },
    paste: (lines) => paste(lines, { compose, kubectl: binary.path, kubeconfig }),
    async healed() {
      await Promise.all(Object.values(podOf).map((pod) => eventually(() => works(pod))));
    },
    async close() {
      await kubectl.close();
      await compose.try(['down', '--volumes', '--timeout', '3']);
    },
  };
}

async function paste(
  lines: readonly string[],
  { compose, kubectl, kubeconfig }: { compose: Compose; kubectl: string; kubeconfig: string },
): Promise<readonly Pasted[]> {
  const folder = await mkdtemp(join(tmpdir(), 'konnsim-paste-'));
  const [file, mark] = [join(folder, 'kubeconfig'), '--- pasted:'];
  try {
    await writeFile(file, kubeconfig, { mode: 0o600 });
    const own = lines.map((line) => line.replaceAll('konnectivity-sim', compose.project));
    const script = [
      'exec 2>&1 </dev/null',
      `kubectl() { ${kubectl} --kubeconfig ${file} "$@"; }`,
      ...own.map((line) => `${line}\nprintf '\\n${mark} %s\\n' $?`),
    ].join('\n');
    const { stdout } = await compose.bash(script);
    const ends = [...stdout.matchAll(new RegExp(`^${mark} (\\d+)$`, 'gm'))].map(([, code]) => Number(code));
    const outputs = stdout.split(new RegExp(`^${mark} \\d+$`, 'm'));
    return ends.map((code, index) => ({ code, output: outputs[index] ?? '' }));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
