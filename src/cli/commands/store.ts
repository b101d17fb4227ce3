import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { startStoreServer } from '../../apiserver/controllers/store-server.js';
import { defaultVersion } from '../../apiserver/serving/version.js';
import { MemoryStore } from '../../apiserver/store/object-store.js';
import { StoreFiles } from '../../apiserver/store/remote/store-files.js';
import { StoreRuns } from '../../apiserver/store/remote/store-runs.js';
import { TunnelError } from '../../core/errors.js';
import { maxNodes } from '../../lab/topology.js';
import { startHealthServer } from '../../observe/health.js';
import { roleLeaves } from '../../pki/certificate-set.js';
import { reasonOf } from '../../pki/file-reasons.js';
import { makeFolder } from '../../pki/make-folder.js';
import { listenOn } from '../../wire/net/socket-listener.js';
import { examples } from '../help.js';
import type { Invocation } from '../invocation.js';
import {
  commonOptions,
  type RoleContext,
  type RoleFlags,
  runRole,
  type Started,
  standardTopology,
  tlsUser,
} from '../role.js';
import { option, portNumber, socketPath, wholeNumber } from '../values.js';

interface StoreFlags extends RoleFlags {
  readonly nodes: number;
  readonly bindAddress: string;
  readonly port: number;
  readonly dataDir?: string;
  readonly healthAddress: string;
  readonly healthPort: number;
  readonly kubernetesVersion: string;
}

/** `konnsim store`: the objects of the cluster, for several API façades in other processes. */
export function storeCommand(invocation: Invocation): Command {
  return new Command('store')
    .description("keep the cluster's objects for several API façades, and run its controllers")
    .addOption(option('--certs <folder>', 'certificates made by `konnsim certs`').default('certs'))
    .addOption(
      option('--nodes <number>', 'number of nodes of a new cluster')
        .argParser(wholeNumber(1, maxNodes))
        .default(2),
    )
    .addOption(option('--bind-address <address>', 'where it listens').default('127.0.0.1'))
    .addOption(option('--port <port>', 'its mTLS port, 0 for a free one').argParser(portNumber).default(2379))
    .addOption(
      option(
        '--data-dir <folder>',
        'keeps objects and revisions over restarts; default: only in memory',
      ).argParser(dataFolder),
    )
    .addOption(option('--health-address <address>', 'where the health port listens').default('127.0.0.1'))
    .addOption(option('--health-port <port>', '/healthz, /readyz').argParser(portNumber).default(2381))
    .addOption(
      option('--kubernetes-version <release>', 'release of the nodes of a new cluster').default(
        defaultVersion,
      ),
    )
    .addOption(commonOptions.packets())
    .addOption(commonOptions.adminPort())
    .addOption(commonOptions.adminAddress())
    .addHelpText(
      'after',
      examples(
        'konnsim store --certs certs --data-dir store-data',
        'konnsim apiserver --certs certs --store 127.0.0.1:2379 --uds-name /tmp/konnsim.sock',
      ),
    )
    .action(async (flags: StoreFlags) => {
      invocation.exitCode = await run(flags);
    });
}

const lockName = 'in-use.sock';

/** Refuses a path in which a Unix socket would be too long. */
function dataFolder(text: string): string {
  return socketPath(join(text, lockName)).slice(0, -lockName.length - 1);
}

function run(flags: StoreFlags): Promise<number> {
  return runRole(flags, async (context, started) => {
    const useTls = tlsUser(flags, context, { node: 'store/store', started });
    const tls = await useTls('store');
    const store = new MemoryStore(context.clock);
    const runs = await load(store, flags, { context, started });
    const server = await startStoreServer({
      ...context,
      host: flags.bindAddress,
      port: flags.port,
      tls,
      clients: [roleLeaves['apiserver-store-client'].commonName],
      store,
      runs,
    });
    started(() => server.close());
    const health = await startHealthServer({
      host: flags.healthAddress,
      port: flags.healthPort,
      style: 'server',
      clock: context.clock,
      ready: () => ({ ok: true, text: '' }),
    });
    started(() => health.close());
    return [`store ${server.address}`, `health ${health.host}:${health.port}`];
  });
}

interface Surroundings {
  readonly context: RoleContext;
  readonly started: Started;
}

/** The cluster of the folder, else a new one. */
async function load(
  store: MemoryStore,
  { dataDir: folder, nodes, kubernetesVersion }: StoreFlags,
  { context: { clock }, started }: Surroundings,
): Promise<StoreRuns> {
  const begin = (): void => store.fill(standardTopology(nodes, kubernetesVersion).objects);
  if (folder === undefined) {
    begin();
    return new StoreRuns([], store.revision);
  }
  await lock(folder, started);
  const files = new StoreFiles({ folder, clock });
  started(async () => files.close());
  return files.open(store, begin);
}

/** A socket that answers belongs to another process, also in another container. Any other is left over. */
async function lock(folder: string, started: Started): Promise<void> {
  try {
    makeFolder(resolve(folder));
  } catch (cause) {
    const text = `${folder}: ${reasonOf(cause)}`;
    const hint = 'Choose a folder where you may write with --data-dir.';
    throw new TunnelError('FILE_UNWRITABLE', text, { where: '--data-dir', hint, cause });
  }
  const { listener } = await listenOn(
    { path: join(folder, lockName) },
    { where: '--data-dir', take: (socket) => socket.on('error', () => undefined).destroy() },
  );
  started(() => new Promise((resolve) => listener.close(() => resolve())));
}
