import { Command } from 'commander';
import { type ApiServerOptions, startApiServer } from '../../apiserver/api-server.js';
import { createTokenKeys } from '../../apiserver/auth/service-account-tokens.js';
import { writeKubeconfig } from '../../apiserver/kubeconfig.js';
import { defaultInFlight } from '../../apiserver/serving/max-in-flight.js';
import { defaultVersion } from '../../apiserver/serving/version.js';
import { createObjectStore } from '../../apiserver/store/object-store.js';
import { RemoteStore } from '../../apiserver/store/remote/remote-store.js';
import { faithfulSet, hasFlowControl } from '../../core/faithful.js';
import { maxNodes } from '../../lab/topology.js';
import { renewableAs } from '../../wire/net/tls.js';
import { createEgress } from '../egress.js';
import { examples } from '../help.js';
import type { Invocation } from '../invocation.js';
import {
  commonOptions,
  type RoleContext,
  type RoleFlags,
  readTls,
  runRole,
  type Started,
  standardTopology,
  tlsUser,
  type UseTls,
} from '../role.js';
import {
  asOption,
  type BehaviourFlags,
  faithfulOption,
  hostPort,
  option,
  portNumber,
  socketPath,
  someText,
  wholeNumber,
} from '../values.js';

const maxInFlight = 1_000_000;

interface ApiServerFlags extends RoleFlags, BehaviourFlags {
  readonly nodes: number;
  readonly bindAddress: string;
  readonly port: number;
  readonly store?: string;
  readonly udsName?: string;
  readonly proxyServer?: string;
  readonly egressSelectorConfigFile?: string;
  readonly kubeconfig?: string;
  readonly kubernetesVersion: string;
  readonly maxRequestsInflight: number;
  readonly maxMutatingRequestsInflight: number;
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
    .addOption(
      option(
        '--store <address>',
        'host:port of a `konnsim store` that API façades share; default, or empty: a private store',
      ).argParser((text) => (text === '' ? text : hostPort(text))),
    )
    .addOption(option('--bind-address <address>', 'where it listens').default('127.0.0.1'))
    .addOption(option('--port <port>', 'its port, 0 for a free one').argParser(portNumber).default(6443))
    .addOption(option('--uds-name <path>', "the proxy-server's Unix socket").argParser(socketPath))
    .addOption(
      option('--proxy-server <address>', "or the proxy-server's mTLS port, host:port").argParser(hostPort),
    )
    .addOption(
      option(
        '--egress-selector-config-file <file>',
        "or a kube-apiserver's egress selector configuration",
      ).argParser(someText),
    )
    .addOption(option('--kubeconfig <file>', "writes an administrator's kubeconfig").argParser(someText))
    .addOption(option('--kubernetes-version <release>', 'release that it reports').default(defaultVersion))
    .addOption(
      option('--max-requests-inflight <number>', 'maximum of reading requests at a time, 0 for no limit')
        .argParser(wholeNumber(0, maxInFlight))
        .default(defaultInFlight.maxRequestsInflight),
    )
    .addOption(
      option(
        '--max-mutating-requests-inflight <number>',
        'maximum of writing requests at a time, 0 for no limit',
      )
        .argParser(wholeNumber(0, maxInFlight))
        .default(defaultInFlight.maxMutatingRequestsInflight),
    )
    .addOption(commonOptions.packets())
    .addOption(commonOptions.adminPort())
    .addOption(commonOptions.adminAddress())
    .addOption(asOption())
    .addOption(faithfulOption(['apiserver']))
    .addHelpText(
      'after',
      examples(
        'konnsim apiserver --certs certs --uds-name /tmp/konnsim.sock --kubeconfig kubeconfig',
        'konnsim apiserver --certs certs --proxy-server 127.0.0.1:8090 --port 0',
        'konnsim apiserver --certs certs --egress-selector-config-file egress.yaml',
      ),
    )
    .action(async (flags: ApiServerFlags) => {
      invocation.exitCode = await run(flags);
    });
}

function run(flags: ApiServerFlags): Promise<number> {
  return runRole(flags, async (context, started) => {
    const useTls = tlsUser(flags, context, { node: 'apiserver/apiserver', started });
    const serving = await useTls('apiserver');
    const behaviour = { faithful: faithfulSet(flags), flowControl: hasFlowControl(flags) };
    const egress = await createEgress(flags, { ...context, ...behaviour }, useTls);
    started(() => egress.close());
    const objects = await openStore(flags, context, { useTls, started });
    const apiserver = await startApiServer({
      ...context,
      host: flags.bindAddress,
      port: flags.port,
      tls: renewableAs(serving, ({ ca: clientCa, cert, key }) => ({ cert, key, clientCa })),
      ...objects,
      egress,
      kubeletTls: await useTls('apiserver-kubelet-client'),
      version: flags.kubernetesVersion,
      inFlight: flags,
      as: flags.as,
      faithful: flags.faithful,
    });
    started(() => apiserver.close());
    if (flags.kubeconfig !== undefined)
      await writeAdminKubeconfig(flags.kubeconfig, flags.certs, apiserver.url);
    return [`apiserver ${apiserver.url}`];
  });
}

/** kube-apiserver waits as long for an etcd that it cannot reach. */
const storeTimeoutMs = 20_000;

/** Opens a new store with controllers, or one that several façades share; then tokens are valid at all of them. */
async function openStore(
  { store: address, nodes, certs, kubernetesVersion }: ApiServerFlags,
  context: RoleContext,
  { useTls, started }: { readonly useTls: UseTls; readonly started: Started },
): Promise<Pick<ApiServerOptions, 'store' | 'controllers' | 'tokenKeys'>> {
  // Empty when an unset variable is passed on.
  if (address === undefined || address === '') {
    const { objects } = standardTopology(nodes, kubernetesVersion);
    return { store: createObjectStore(objects, context.clock), controllers: true };
  }
  const tls = await useTls('apiserver-store-client');
  const tokenKeys = createTokenKeys({ privateKeyPem: (await readTls(certs, 'sa')).key });
  const store = new RemoteStore({ ...context, node: 'apiserver/apiserver', address, tls });
  started(async () => store.close());
  await store.ready(storeTimeoutMs);
  return { store, tokenKeys };
}

async function writeAdminKubeconfig(path: string, certs: string, server: string): Promise<void> {
  const { ca, cert, key } = await readTls(certs, 'admin');
  const credential = { certPem: cert, keyPem: key };
  await writeKubeconfig(path, { name: 'konnsim', server, caPem: ca, credential });
}
