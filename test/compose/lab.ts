import { createKubectl, findKubectls, type Kubectl } from '../support/kubectl.js';
import { Compose, eventually, freePort } from './compose.js';

export interface ComposeLab {
  readonly compose: Compose;
  readonly kubectl: Kubectl;
  /** Runs the newest kubectl, with the exit code. */
  readonly run: Kubectl['run'];
  /** Waits until a command runs in the pods of both nodes. */
  healed(): Promise<void>;
  close(): Promise<void>;
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
  const healed = async (): Promise<void> => {
    for (const pod of Object.values(podOf)) {
      await eventually(async () => {
        const { code, stderr } = await kubectl.run(['exec', pod, '--', 'true'], { timeoutMs: 10_000 });
        if (code !== 0) throw new Error(`${pod} is not reachable again: ${stderr}`);
      });
    }
  };
  return {
    compose,
    kubectl,
    run: kubectl.run,
    healed,
    async close() {
      await kubectl.close();
      await compose.try(['down', '--volumes', '--timeout', '3']);
    },
  };
}
