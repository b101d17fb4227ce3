import { existsSync, rmdirSync, rmSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { TunnelError } from '../core/errors.js';
import type { Lab } from '../lab/lab.js';
import { reasonOf } from '../pki/file-reasons.js';
import { makeFolder } from '../pki/make-folder.js';
import { readText } from '../pki/read-files.js';
import { FolderLock } from './folder-lock.js';

/** The file that a lab writes for other programs: its addresses and a client's certificate. */
const addressesSchema = z.object({
  version: z.string(),
  pid: z.number(),
  seed: z.number(),
  kubeconfig: z.string(),
  apiServer: z.string(),
  /** Where the proxy-server listens for frontends: `unix://PATH`. */
  frontend: z.string(),
  /** Where agents connect: `127.0.0.1:PORT`. */
  agents: z.string(),
  /** The control API and the page: `http://127.0.0.1:7575`. */
  control: z.string().optional(),
  /** The file of its token, when it has one. */
  controlTokenFile: z.string().optional(),
  tls: z.object({ ca: z.string(), cert: z.string(), key: z.string() }),
  nodes: z.array(z.object({ name: z.string(), ip: z.string(), kubeletPort: z.number() })),
  pods: z.array(
    z.object({ namespace: z.string(), name: z.string(), node: z.string(), containers: z.array(z.string()) }),
  ),
});

export type LabAddresses = z.infer<typeof addressesSchema>;

const addressesFile = 'addresses.json';
const partialFile = `${addressesFile}.partial`;
const tokenFile = 'control-token';
const fileNames = [
  addressesFile,
  tokenFile,
  ...['kubeconfig', 'ca.crt', 'kubelet-client.crt', 'kubelet-client.key'],
];
export const defaultLabFolder = '.konnsim';

/** What a lab does not know of itself. */
export interface LabPlace {
  readonly version: string;
  /** Where its control API is. */
  readonly control: string;
  readonly token: string | undefined;
}

export class LabFiles {
  readonly folder: string;
  /** The topmost folder that was created. */
  private made: string | undefined;
  private readonly lock: FolderLock;
  private claimed = false;

  constructor(folder: string) {
    this.folder = resolve(folder);
    this.lock = new FolderLock(this.folder);
  }

  get kubeconfigPath(): string {
    return join(this.folder, 'kubeconfig');
  }

  private get tokenPath(): string {
    return join(this.folder, tokenFile);
  }

  get addressesPath(): string {
    return join(this.folder, addressesFile);
  }

  /**
   * Creates the folder and takes it for this process. Rejects with ADDRESS_IN_USE when a living lab uses it, and with
   * FILE_UNWRITABLE when it cannot be created or has other files with these names.
   */
  async claim(): Promise<void> {
    if (existsSync(this.addressesPath)) await this.read();
    else if (!existsSync(this.lock.path)) this.refuseForeignFiles();
    const owner = this.take();
    if (owner === undefined) return;
    throw new TunnelError('ADDRESS_IN_USE', `a lab is already running there (process ${owner})`, {
      where: this.folder,
      hint: 'Stop it, or choose another folder with --dir.',
    });
  }

  private take(): number | undefined {
    try {
      this.made = makeFolder(this.folder);
      const owner = this.lock.acquire();
      this.claimed = owner === undefined;
      return owner;
    } catch (caught) {
      this.remove();
      throw this.unwritable(caught);
    }
  }

  private unwritable(cause: unknown): TunnelError {
    const hint = 'Choose a folder where you may write with --dir.';
    const text = `${this.folder}: ${reasonOf(cause)}`;
    return new TunnelError('FILE_UNWRITABLE', text, { where: this.folder, hint, cause });
  }

  private refuseForeignFiles(): void {
    const path = fileNames.map((name) => join(this.folder, name)).find((one) => existsSync(one));
    if (path === undefined) return;
    const hint = 'Choose another folder with --dir, or move the file away.';
    throw new TunnelError('FILE_UNWRITABLE', `${path} exists already and does not belong to a lab`, {
      where: path,
      hint,
    });
  }

  /** `addresses.json` is written last and at once, so that programs which wait for it find all files. */
  async write(lab: Lab, { version, control, token }: LabPlace): Promise<void> {
    const { ca, leaves } = lab.certificates;
    const pair = leaves['apiserver-kubelet-client'];
    const tls = {
      ca: join(this.folder, 'ca.crt'),
      cert: join(this.folder, 'kubelet-client.crt'),
      key: join(this.folder, 'kubelet-client.key'),
    };
    try {
      await this.secret(tls.ca, ca.certPem);
      await this.secret(tls.cert, pair.certPem);
      await this.secret(tls.key, pair.keyPem);
      await this.secret(this.kubeconfigPath, lab.kubeconfig);
      if (token !== undefined) await this.secret(this.tokenPath, `${token}\n`);
      const partial = join(this.folder, partialFile);
      const place = { control, ...(token === undefined ? {} : { controlTokenFile: this.tokenPath }) };
      const addresses = { ...this.describe(lab, tls, version), ...place };
      await this.secret(partial, `${JSON.stringify(addresses, undefined, 2)}\n`);
      await rename(partial, this.addressesPath);
    } catch (caught) {
      throw this.unwritable(caught);
    }
  }

  /** Rejects with LAB_UNREACHABLE when there is no lab, with CONFIG_INVALID when the file is not a lab's. */
  async read(): Promise<LabAddresses> {
    const text = await readText(this.addressesPath).catch((cause: unknown) => {
      throw new TunnelError('LAB_UNREACHABLE', `no lab is running: ${this.addressesPath} cannot be read`, {
        cause,
        hint: 'Start one with `konnsim up`, or name its folder with --dir.',
      });
    });
    const parsed = addressesSchema.safeParse(parseJson(text));
    if (parsed.success) return parsed.data;
    throw new TunnelError('CONFIG_INVALID', 'not the addresses of a lab', {
      where: this.addressesPath,
      hint: 'Choose another folder with --dir.',
    });
  }

  /** Removes our files, if the folder is ours, and each new folder that is empty then. Never throws. */
  remove(): void {
    if (!this.claimed && this.made === undefined) return;
    try {
      this.lock.release();
      for (const name of this.claimed ? [...fileNames, partialFile] : [])
        rmSync(join(this.folder, name), { force: true });
      const above = dirname(this.made ?? this.folder);
      for (let folder = this.folder; folder !== above; folder = dirname(folder)) rmdirSync(folder);
    } catch {
      // Other files stay, and then the folder, too.
    }
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
