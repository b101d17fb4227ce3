import { Command } from 'commander';
import { createRandom } from '../../core/random.js';
import { createTopology, maxNodes } from '../../lab/topology.js';
import { writeCertificateDirectory } from '../../pki/files.js';
import { examples } from '../help.js';
import { collect, option, someText, wholeNumber } from '../values.js';

interface CertsFlags {
  readonly out: string;
  readonly nodes: number;
  readonly name?: readonly string[];
  readonly ip?: readonly string[];
  readonly days: number;
  readonly force?: boolean;
}

/** `konnsim certs`: one CA and a pair for each party, for the roles started one by one. */
export function certsCommand(): Command {
  return new Command('certs')
    .description('make a CA and the certificates of all parties; keys are readable by you alone')
    .addOption(option('--out <folder>', 'where to write them').argParser(someText).default('certs'))
    .addOption(
      option('--nodes <number>', 'kubelets to make certificates for')
        .argParser(wholeNumber(1, maxNodes))
        .default(2),
    )
    .addOption(option('--name <dns>', 'further name of the servers; may be given again').argParser(collect))
    .addOption(
      option('--ip <address>', 'further address of the servers; may be given again').argParser(collect),
    )
    .addOption(
      option('--days <number>', 'life of the certificates').argParser(wholeNumber(1, 3650)).default(365),
    )
    .addOption(option('--force', 'replace certificates that are there; the CA is kept'))
    .addHelpText(
      'after',
      examples('konnsim certs --out certs', 'konnsim certs --out certs --ip 192.168.1.5 --name lab.example'),
    )
    .action(run);
}

async function run(flags: CertsFlags): Promise<void> {
  const { nodes } = createTopology({
    nodes: flags.nodes,
    random: createRandom(0),
    nowMs: 0,
    kubernetesVersion: '',
  });
  await writeCertificateDirectory(flags.out, {
    nodes: nodes.map(({ name, ip }) => ({ name, ipAddresses: [ip] })),
    dnsNames: flags.name ?? [],
    ipAddresses: flags.ip ?? [],
    validDays: flags.days,
    force: flags.force ?? false,
  });
  process.stderr.write(
    `wrote a CA and the certificates of all parties and ${flags.nodes} kubelets to ${flags.out}\n`,
  );
}
