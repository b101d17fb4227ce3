import { mkdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { TunnelError } from '../core/errors.js';
import type { Lab } from '../lab/lab.js';

/** What a lab writes for other programs: where it is and how to be let in. */
const addressesSchema = z.object({
  version: z.string(),
  pid: z.number(),
  seed: z.number(),
  kubeconfig: z.string(),
  apiServer: z.string(),
  /** `unix://PATH`: the proxy-server's frontend. */
  frontend: z.string(),
  /** `127.0.0.1:PORT`: where agents connect. */
  agents: z.string(),
  tls: z.object({ ca: z.string(), cert: z.string(), key: z.string() }),
  nodes: z.array(z.object({ name: z.string(), ip: z.string(), kubeletPort: z.number() })),
  pods: z.array(
    z.object({ namespace: z.string(), name: z.string(), node: z.string(), containers: z.array(z.string()) }),
  ),
});

export type LabAddresses = z.infer<typeof addressesSchema>;

const addressesFile = 'addresses.json';
export const defaultLabFolder = '.konnsim';

/** The folder of a running lab. */
export class LabFiles {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = resolve(folder);
  }

  get kubeconfigPath(): string {
    return join(this.folder, 'kubeconfig');
  }

  get addressesPath(): string {
    return join(this.folder, addressesFile);
  }

  /** Throws ADDRESS_IN_USE when a living lab uses the folder. */
  async claim(): Promise<void> {
    const other = await this.read().catch(() => undefined);
    if (other !== undefined && isAlive(other.pid)) {
      throw new TunnelError('ADDRESS_IN_USE', `a lab is already running there (process ${other.pid})`, {
        where: this.folder,
        hint: 'Stop it, or choose another folder with --dir.',
      });
    }
  }

  /** Writes all files; `addresses.json` comes last and whole, so whoever waits for it finds everything. */
  async write(lab: Lab, version: string): Promise<void> {
    const { ca, leaves } = lab.certificates;
    const pair = leaves['apiserver-kubelet-client'];
    const tls = {
      ca: join(this.folder, 'ca.crt'),
      cert: join(this.folder, 'kubelet-client.crt'),
      key: join(this.folder, 'kubelet-client.key'),
    };
    try {
      await mkdir(this.folder, { recursive: true, mode: 0o700 });
      await this.secret(tls.ca, ca.certPem);
      await this.secret(tls.cert, pair.certPem);
      await this.secret(tls.key, pair.keyPem);
      await this.secret(this.kubeconfigPath, lab.kubeconfig);
      const partial = `${this.addressesPath}.partial`;
      await this.secret(partial, `${JSON.stringify(this.describe(lab, tls, version), undefined, 2)}\n`);
      await rename(partial, this.addressesPath);
    } catch (caught) {
      throw TunnelError.from(caught, 'FILE_UNWRITABLE', this.folder);
    }
  }

  /** Rejects with LAB_UNREACHABLE when there is no lab, CONFIG_INVALID when the file is not one of ours. */
  async read(): Promise<LabAddresses> {
    const text = await readFile(this.addressesPath, 'utf8').catch((cause: unknown) => {
      throw new TunnelError('LAB_UNREACHABLE', `no lab is running: ${this.addressesPath} cannot be read`, {
        cause,
      });
    });
    const parsed = addressesSchema.safeParse(parseJson(text));
    if (parsed.success) return parsed.data;
    throw new TunnelError('CONFIG_INVALID', 'not an addresses file', { where: this.addressesPath });
  }

  /** Removes what `write` wrote, and the folder when nothing else is in it. */
  async remove(): Promise<void> {
    const names = [addressesFile, 'kubeconfig', 'ca.crt', 'kubelet-client.crt', 'kubelet-client.key'];
    for (const name of names) await rm(join(this.folder, name), { force: true });
    // Files of somebody else stay, and so does the folder then.
    await rmdir(this.folder).catch(() => undefined);
  }

  private async secret(path: string, text: string): Promise<void> {
    await rm(path, { force: true });
    await writeFile(path, text, { mode: 0o600 });
  }

  private describe(lab: Lab, tls: LabAddresses['tls'], version: string): LabAddresses {
    return {
      version,
      pid: process.pid,
      seed: lab.seed,
      kubeconfig: this.kubeconfigPath,
      apiServer: lab.apiServerUrl,
      frontend: lab.frontendAddress,
      agents: lab.agentAddress,
      tls,
      nodes: lab.nodes.map(({ name, ip, kubeletPort }) => ({ name, ip, kubeletPort })),
      pods: lab.topology.objects.pods.map(({ metadata, spec }) => ({
        namespace: metadata.namespace,
        name: metadata.name,
        node: spec.nodeName,
        containers: spec.containers.map(({ name }) => name),
      })),
    };
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
