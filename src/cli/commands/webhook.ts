import { Command } from 'commander';
import { webhookYaml } from '../../scenario/sample-webhook.js';
import { examples } from '../help.js';

/** `konnsim webhook`: the sample admission webhook as YAML, with a certificate made for it. */
export function webhookCommand(): Command {
  return new Command('webhook')
    .description('print a sample admission webhook for kubectl apply, with a fresh certificate')
    .addHelpText('after', examples('konnsim webhook | kubectl apply -f -'))
    .action(async () => {
      process.stdout.write(await webhookYaml());
    });
}
