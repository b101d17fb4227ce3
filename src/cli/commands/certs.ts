import { Command } from 'commander';
import { writeKubeconfig } from '../../apiserver/kubeconfig.js';
import { createRandom } from '../../core/random.js';
import { createTopology, maxHollowNodes, type NodeSpec } from '../../lab/topology.js';
import type { CertificateSet } from '../../pki/certificate-set.js';
import { readCertificateDirectory, type WriteOptions, writeCertificateDirectory } from '../../pki/files.js';
import { writePartFolders } from '../../pki/part-folders.js';
import { examples } from '../help.js';
import { collect, option, someText, wholeNumber } from '../values.js';

interface CertsFlags {
  readonly out: string;
  readonly nodes: number;
  readonly name?: readonly string[];
  readonly ip?: readonly string[];
  readonly days: number;
  readonly force?: boolean;
  readonly ifMissing?: boolean;
  readonly parts?: string;
  readonly kubeconfig?: string;
  readonly server: string;
}

/** `konnsim certs`: the CAs and the certificates of all parts, for roles that are started one by one. */
export function certsCommand(): Command {
  return new Command('certs')
    .description('make the CAs and the certificates of all parts; only you can read the keys')
    .addOption(option('--out <folder>', 'where to write them').argParser(someText).default('certs'))
    .addOption(
      option('--nodes <number>', 'number of kubelets that get certificates')
        .argParser(wholeNumber(1, maxHollowNodes))
        .default(2),
    )
    .addOption(
      option('--name <dns>', 'one more DNS name of the servers; may be given several times').argParser(
        collect,
      ),
    )
    .addOption(
      option('--ip <address>', 'one more IP address of the servers; may be given several times').argParser(
        collect,
      ),
    )
    .addOption(
      option('--days <number>', 'how long the certificates are valid, in days')
        .argParser(wholeNumber(1, 3650))
        .default(365),
    )
    .addOption(option('--force', 'replace existing certificates; CAs are kept'))
    .addOption(option('--if-missing', 'keep a complete and valid set').conflicts('force'))
    .addOption(
      option(
        '--parts <folder>',
        'also write a folder for each part, with what it needs: no key of a CA or of another part',
      ).argParser(someText),
    )
    .addOption(option('--kubeconfig <file>', "write an administrator's kubeconfig, too").argParser(someText))
    .addOption(option('--server <url>', 'the URL of the API server in it').default('https://127.0.0.1:6443'))
    .addHelpText(
      'after',
      examples(
        'konnsim certs --out certs',
        'konnsim certs --out certs --ip 192.168.1.5 --name lab.example',
        'konnsim certs --out certs --parts parts',
      ),
    )
    .action(run);
}

async function run(flags: CertsFlags): Promise<void> {
  const { nodes } = createTopology({
    nodes: flags.nodes,
    most: maxHollowNodes,
    random: createRandom(0),
    nowMs: 0,
    kubernetesVersion: '',
  });
  const parties = `the certificates of all parts and ${flags.nodes} kubelets`;
  const kept = flags.ifMissing === true ? await readSet(flags, nodes) : undefined;
  const set = kept ?? (await writeCertificateDirectory(flags.out, writeOptions(flags, nodes)));
  process.stderr.write(
    kept === undefined
      ? `wrote the CAs and ${parties} to ${flags.out}\n`
      : `${flags.out} has ${parties} already\n`,
  );
  if (flags.parts !== undefined) {
    await writePartFolders(flags.parts, set);
    process.stderr.write(`wrote a folder for each part to ${flags.parts}\n`);
  }
  if (flags.kubeconfig === undefined) return;
  await writeKubeconfig(flags.kubeconfig, {
    name: 'konnsim',
    server: flags.server,
    caPem: set.ca.certPem,
    credential: set.leaves.admin,
  });
  process.stderr.write(`wrote ${flags.kubeconfig}\n`);
}

function writeOptions(flags: CertsFlags, nodes: readonly NodeSpec[]): WriteOptions {
  return {
    nodes: nodes.map(({ name, ip }) => ({ name, ipAddresses: [ip] })),
    dnsNames: flags.name ?? [],
    ipAddresses: flags.ip ?? [],
    validDays: flags.days,
    // An incomplete or invalid set is replaced.
    force: flags.force ?? flags.ifMissing ?? false,
  };
}

/** The existing set, if it is complete and valid. */
function readSet({ out }: CertsFlags, nodes: readonly NodeSpec[]): Promise<CertificateSet | undefined> {
  return readCertificateDirectory(
    out,
    nodes.map(({ name }) => name),
  ).catch(() => undefined);
}
