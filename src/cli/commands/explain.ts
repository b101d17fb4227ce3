import { Command } from 'commander';
import { explainRequest } from '../../observe/explain/explain-request.js';
import { readRecording } from '../../observe/recording.js';
import { exitCodes } from '../exit-codes.js';
import { examples } from '../help.js';
import type { Invocation } from '../invocation.js';
import { createTerminal } from '../terminal.js';
import { option } from '../values.js';

interface ExplainFlags {
  readonly output: 'text' | 'json';
}

/** `konnsim explain`: why a request of a recorded lab failed. */
export function explainCommand(invocation: Invocation): Command {
  return new Command('explain')
    .description('say why a request failed: who said what, the events that prove it, what to do')
    .argument('<recording>', 'a file that `konnsim up --record FILE` or `startLab({ record })` has written')
    .argument('[request]', 'the request as its events name it, such as exec-1; default: the last that failed')
    .addOption(
      option('--output <format>', 'lines for people, or one JSON object')
        .choices(['text', 'json'])
        .default('text'),
    )
    .addHelpText('after', examples('konnsim explain lab.ndjson', 'konnsim explain lab.ndjson exec-1'))
    .action(async (path: string, request: string | undefined, { output }: ExplainFlags) => {
      const terminal = createTerminal(invocation.colour);
      const { events, truncated } = await readRecording(path);
      if (truncated) terminal.say(`note: the last line of ${path} was cut off, and is left out`);
      const { text, ...explanation } = explainRequest(events, request);
      terminal.data(output === 'json' ? JSON.stringify(explanation) : text);
      invocation.exitCode = exitCodes.ok;
    });
}
