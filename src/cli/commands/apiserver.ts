import { Command } from 'commander';
import { startApiServer } from '../../apiserver/api-server.js';
import { writeKubeconfig } from '../../apiserver/kubeconfig.js';
import { createObjectStore } from '../../apiserver/store/object-store.js';
import { defaultVersion } from '../../apiserver/version.js';
import { TunnelError } from '../../core/errors.js';
import { maxNodes } from '../../lab/topology.js';
import { TunnelClient } from '../../wire/tunnel-client.js';
import type { CommandEnd } from '../main.js';
import {
  createRoleGround,
  type RoleFlags,
  type RoleGround,
  readTls,
  standardTopology,
  untilSignalled,
} from '../role.js';
import { option, portNumber, wholeNumber } from '../values.js';

interface ApiServerFlags extends RoleFlags {
  readonly nodes: number;
  readonly bindAddress: string;
  readonly port: number;
  readonly udsName?: string;
  readonly proxyServer?: string;
  readonly kubeconfig?: string;
  readonly kubernetesVersion: string;
}

/** `konnsim apiserver`: the API façade alone. */
export function apiserverCommand(end: CommandEnd): Command {
  return new Command('apiserver')
    .description(
      'run the API façade alone: kubectl talks to it, and it reaches kubelets through a proxy-server',
    )
    .addOption(option('--certs <folder>', 'certificates made by `konnsim certs`').default('certs'))
    .addOption(
      option('--nodes <number>', 'nodes of the cluster').argParser(wholeNumber(1, maxNodes)).default(2),
    )
    .addOption(option('--bind-address <address>', 'where it listens').default('127.0.0.1'))
    .addOption(option('--port <port>', 'its port, 0 for a free one').argParser(portNumber).default(6443))
    .addOption(option('--uds-name <path>', "the proxy-server's Unix socket"))
    .addOption(option('--proxy-server <address>', "or the proxy-server's mTLS port, host:port"))
    .addOption(option('--kubeconfig <file>', "writes an administrator's kubeconfig"))
    .addOption(option('--kubernetes-version <release>', 'release it claims to be').default(defaultVersion))
    .option('--packets', 'print every packet, too')
    .action(async (flags: ApiServerFlags) => {
      end.exitCode = await run(flags);
    });
}

async function run(flags: ApiServerFlags): Promise<number> {
  const ground = createRoleGround(flags);
  const serving = await readTls(flags.certs, 'apiserver');
  const dialer = await createDialer(flags, ground);
  const { objects } = standardTopology(flags.nodes, flags.kubernetesVersion);
  const apiserver = await startApiServer({
    ...ground,
    host: flags.bindAddress,
    port: flags.port,
    tls: { cert: serving.cert, key: serving.key, clientCa: serving.ca },
    store: createObjectStore(objects, ground.clock),
    dialer,
    kubeletTls: await readTls(flags.certs, 'apiserver-kubelet-client'),
    version: flags.kubernetesVersion,
  });
  if (flags.kubeconfig !== undefined)
    await writeAdminKubeconfig(flags.kubeconfig, flags.certs, apiserver.url);
  return untilSignalled(async () => {
    await apiserver.close();
    await dialer.close();
  });
}

async function createDialer(flags: ApiServerFlags, ground: RoleGround): Promise<TunnelClient> {
  const common = { ...ground, name: 'apiserver/apiserver', serverName: 'server/proxy-server' };
  if (flags.udsName !== undefined) return new TunnelClient({ ...common, address: `unix://${flags.udsName}` });
  if (flags.proxyServer === undefined) {
    throw new TunnelError('USAGE', 'an API façade needs --uds-name or --proxy-server to reach any kubelet');
  }
  const tls = await readTls(flags.certs, 'frontend-client');
  return new TunnelClient({ ...common, address: flags.proxyServer, tls });
}

async function writeAdminKubeconfig(path: string, certs: string, server: string): Promise<void> {
  const { ca, cert, key } = await readTls(certs, 'admin');
  const credential = { certPem: cert, keyPem: key };
  await writeKubeconfig(path, { name: 'konnsim', server, caPem: ca, credential });
}
