import { Command } from 'commander';
import {
  addControlOptions,
  addOutputOption,
  type ControlFlags,
  connectControl,
  type OutputFormat,
} from '../control/control-options.js';
import { examples } from '../help.js';
import type { Invocation } from '../invocation.js';
import { createTerminal } from '../terminal.js';

/** `konnsim reset`: a running lab is healthy again. */
export function resetCommand(invocation: Invocation): Command {
  const command = new Command('reset')
    .description('remove all faults of a running lab, thaw its parts, and start those that do not run')
    .addHelpText('after', examples('konnsim reset'));
  return addOutputOption(addControlOptions(command)).action(
    async (flags: ControlFlags & { readonly output: OutputFormat }) => {
      const { data } = createTerminal(invocation.colour);
      const client = await connectControl(flags);
      const done = await client.send<{ removed: string[]; started: string[] }>('POST', '/v1:reset');
      if (flags.output !== 'text') return data(JSON.stringify(done));
      data(`removed faults: ${done.removed.join(', ') || 'none'}`);
      data(`started parts:  ${done.started.join(', ') || 'none'}`);
    },
  );
}
