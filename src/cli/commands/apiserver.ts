import { Command } from 'commander';
import { startApiServer } from '../../apiserver/api-server.js';
import { writeKubeconfig } from '../../apiserver/kubeconfig.js';
import { createObjectStore } from '../../apiserver/store/object-store.js';
import { defaultVersion } from '../../apiserver/version.js';
import { TunnelError } from '../../core/errors.js';
import { maxNodes } from '../../lab/topology.js';
import { TunnelClient } from '../../wire/tunnel-client.js';
import { examples } from '../help.js';
import type { Invocation } from '../invocation.js';
import { type RoleFlags, type RoleGround, readTls, runRole, standardTopology } from '../role.js';
import { hostPort, option, portNumber, socketPath, someText, wholeNumber } from '../values.js';

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
export function apiserverCommand(invocation: Invocation): Command {
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
    .addOption(option('--uds-name <path>', "the proxy-server's Unix socket").argParser(socketPath))
    .addOption(
      option('--proxy-server <address>', "or the proxy-server's mTLS port, host:port").argParser(hostPort),
    )
    .addOption(option('--kubeconfig <file>', "writes an administrator's kubeconfig").argParser(someText))
    .addOption(option('--kubernetes-version <release>', 'release it claims to be').default(defaultVersion))
    .addOption(option('--packets', 'print every packet, too'))
    .addHelpText(
      'after',
      examples(
        'konnsim apiserver --certs certs --uds-name /tmp/konnsim.sock --kubeconfig kubeconfig',
        'konnsim apiserver --certs certs --proxy-server 127.0.0.1:8090 --port 0',
      ),
    )
    .action(async (flags: ApiServerFlags) => {
      invocation.exitCode = await run(flags);
    });
}

function run(flags: ApiServerFlags): Promise<number> {
  return runRole(flags, async (ground, started) => {
    const serving = await readTls(flags.certs, 'apiserver');
    const dialer = await createDialer(flags, ground);
    started(() => dialer.close());
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
    started(() => apiserver.close());
    if (flags.kubeconfig !== undefined)
      await writeAdminKubeconfig(flags.kubeconfig, flags.certs, apiserver.url);
    return [`apiserver ${apiserver.url}`];
  });
}

async function createDialer(flags: ApiServerFlags, ground: RoleGround): Promise<TunnelClient> {
  if (flags.udsName !== undefined && flags.proxyServer !== undefined) {
    throw new TunnelError('USAGE', 'an API façade takes --uds-name or --proxy-server, not both');
  }
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
