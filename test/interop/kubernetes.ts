import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { konnsim, konnsimProgram } from '../support/konnsim.js';
import { Process } from './process.js';

/** A folder with Kubernetes' own programs. */
export const kubernetesVariable = 'KUBERNETES_BIN';

/** Programs that serve the API. */
export interface ApiBuild {
  readonly name: string;
  /** Paths of kube-apiserver and etcd; absent for our own. */
  readonly real?: { readonly kubeApiserver: string; readonly etcd: string };
}

/** Ours, and the real ones if a folder has them. Throws when it lacks one. */
export function apiBuilds(folder: string | undefined): readonly ApiBuild[] {
  const own = { name: 'konnsim apiserver' };
  if (folder === undefined || folder === '') return [own];
  const real = { kubeApiserver: join(folder, 'kube-apiserver'), etcd: join(folder, 'etcd') };
  for (const path of Object.values(real)) {
    if (!existsSync(path)) throw new Error(`${kubernetesVariable}: no such program: ${path}`);
  }
  return [own, { name: 'kube-apiserver', real }];
}

export const nodeIp = '10.0.1.11';
const port = 6443;
export const apiUrl = `https://127.0.0.1:${port}`;

/** An API server, and the kubelet of `node-1`, on the addresses that their users know. */
export class Kubernetes {
  private readonly folder: string;
  private readonly build: ApiBuild;
  /** Of frontends. */
  private readonly socket: string;
  private api: readonly Process[] = [];
  /** Of `node-1`. */
  kubelet: Process | undefined;

  constructor(folder: string, build: ApiBuild, socket: string) {
    this.folder = folder;
    this.build = build;
    this.socket = socket;
  }

  /** Writes certificates into a folder, and a kubeconfig beside them. */
  static async writeFiles(folder: string): Promise<void> {
    const args = ['certs', '--out', folder, '--kubeconfig', join(folder, 'kubeconfig'), '--server', apiUrl];
    const { code, stderr } = await konnsim(args, { cwd: folder, shared: true });
    if (code !== 0) throw new Error(`konnsim certs: ${stderr}`);
  }

  static kubeconfig(folder: string): Promise<string> {
    return readFile(join(folder, 'kubeconfig'), 'utf8');
  }

  async start(): Promise<void> {
    if (this.build.real === undefined) this.startOwnApi();
    else await this.startRealApi(this.build.real);
    this.startKubelet();
  }

  startKubelet(): void {
    this.kubelet = this.role('kubelet', {
      ...{ node: 'node-1', nodes: 1, 'bind-address': nodeIp, server: apiUrl },
    });
  }

  async close(): Promise<void> {
    await Promise.all([this.kubelet, ...this.api].map(async (each) => each?.kill()));
  }

  private startOwnApi(): void {
    this.api = [this.role('apiserver', { nodes: 1, 'uds-name': this.socket, port })];
  }

  private async startRealApi({ kubeApiserver, etcd }: NonNullable<ApiBuild['real']>): Promise<void> {
    const clients = 'http://127.0.0.1:2379';
    const data = join(this.folder, `etcd-${Date.now()}`);
    const store = new Process([etcd], {
      'data-dir': data,
      'listen-client-urls': clients,
      'advertise-client-urls': clients,
    });
    const egress = join(this.folder, 'egress.yaml');
    await writeFile(egress, egressSelector(this.socket));
    this.api = [store, new Process([kubeApiserver], this.apiserverFlags(clients, egress))];
  }

  private apiserverFlags(etcd: string, egress: string): Readonly<Record<string, string | number>> {
    const file = (name: string): string => join(this.folder, name);
    return {
      'etcd-servers': etcd,
      'bind-address': '127.0.0.1',
      'advertise-address': nodeIp,
      'secure-port': port,
      'cert-dir': file('kubernetes'),
      'tls-cert-file': file('apiserver.crt'),
      'tls-private-key-file': file('apiserver.key'),
      'client-ca-file': file('ca.crt'),
      'kubelet-client-certificate': file('apiserver-kubelet-client.crt'),
      'kubelet-client-key': file('apiserver-kubelet-client.key'),
      'kubelet-certificate-authority': file('ca.crt'),
      'service-account-issuer': 'https://kubernetes.default.svc',
      'service-account-key-file': file('apiserver.crt'),
      'service-account-signing-key-file': file('apiserver.key'),
      'service-cluster-ip-range': '10.96.0.0/16',
      'authorization-mode': 'Node,RBAC',
      'disable-admission-plugins': 'ServiceAccount',
      // As ours: a service's endpoints are looked up, its cluster address is not dialled.
      'enable-aggregator-routing': 'true',
      'egress-selector-config-file': egress,
    };
  }

  private role(name: string, flags: Readonly<Record<string, string | number>>): Process {
    return new Process([process.execPath, konnsimProgram, name], { certs: this.folder, ...flags });
  }
}

function egressSelector(socket: string): string {
  const transport = { uds: { udsName: socket } };
  return JSON.stringify({
    apiVersion: 'apiserver.k8s.io/v1beta1',
    kind: 'EgressSelectorConfiguration',
    egressSelections: [{ name: 'cluster', connection: { proxyProtocol: 'GRPC', transport } }],
  });
}
