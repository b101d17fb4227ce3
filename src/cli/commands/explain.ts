import { existsSync } from 'node:fs';
import { Command } from 'commander';
import { explainRequest } from '../../observe/explain/explain-request.js';
import type { Explanation } from '../../observe/explain/explanation.js';
import { readRecording } from '../../observe/recording.js';
import { addControlOptions, type ControlFlags, connectControl } from '../control/control-options.js';
import { exitCodes } from '../exit-codes.js';
import { examples } from '../help.js';
import type { Invocation } from '../invocation.js';
import { createTerminal, type Terminal } from '../terminal.js';
import { option } from '../values.js';

interface ExplainFlags extends ControlFlags {
  readonly output: 'text' | 'json';
}

/** `konnsim explain`: why a request failed, in a lab that runs or in a recording. */
export function explainCommand(invocation: Invocation): Command {
  const command = new Command('explain')
    .description('say why a request failed: who said what, the events that prove it, what to do')
    .argument('[recording]', 'a file that `konnsim up --record FILE` has written; default: the running lab')
    .argument('[request]', 'the request as its events name it, such as exec-1; default: the last that failed')
    .addOption(
      option('--output <format>', 'lines for people, or one JSON object')
        .choices(['text', 'json'])
        .default('text'),
    )
    .addHelpText(
      'after',
      examples(
        'konnsim explain              # the last failure of the running lab',
        'konnsim explain exec-1',
        'konnsim explain lab.ndjson exec-1',
      ),
    );
  return addControlOptions(command).action(
    async (first: string | undefined, second: string | undefined, flags: ExplainFlags) => {
      const terminal = createTerminal(invocation.colour);
      const { text, ...explanation } = isFile(first, second)
        ? await fromFile(first ?? '', second, terminal)
        : await fromLab(first, flags);
      terminal.data(flags.output === 'json' ? JSON.stringify(explanation) : text);
      invocation.exitCode = exitCodes.ok;
    },
  );
}

/** No request has a dot or a slash in its name. */
function isFile(first: string | undefined, second: string | undefined): boolean {
  if (first === undefined) return false;
  return second !== undefined || /[./\\]/.test(first) || existsSync(first);
}

async function fromFile(path: string, request: string | undefined, terminal: Terminal): Promise<Explanation> {
  const { events, truncated } = await readRecording(path);
  if (truncated) terminal.say(`note: the last line of ${path} was cut off, and is left out`);
  return explainRequest(events, request);
}

async function fromLab(request = 'last', flags: ExplainFlags): Promise<Explanation> {
  const client = await connectControl(flags);
  return client.get<Explanation>(`/v1/requests/${encodeURIComponent(request)}/explain`);
}
