import { existsSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import { defaultControlPort } from '../../control/contract.js';
import { readText } from '../../pki/read-files.js';
import { defaultLabFolder, LabFiles } from '../lab-files.js';
import { option, someText } from '../values.js';
import { ControlClient } from './control-client.js';

/** Which lab a command is for. */
export interface ControlFlags {
  readonly control?: string;
  readonly controlTokenFile?: string;
  readonly dir: string;
}

/** How a command prints. */
export type OutputFormat = 'text' | 'json' | 'ndjson';

export function addControlOptions(command: Command): Command {
  const control = option(
    '--control <url>',
    'the lab’s control API; default: the lab of --dir, else port 7575',
  );
  const token = option('--control-token-file <file>', 'the token of an API that is not on the loopback');
  return command
    .addOption(control.argParser(httpUrl))
    .addOption(token.argParser(someText))
    .addOption(option('--dir <folder>', 'folder of the running lab').default(defaultLabFolder));
}

export function addOutputOption(command: Command): Command {
  return command.addOption(
    option('--output <format>', 'for people, one JSON value, or one JSON object a line')
      .choices(['text', 'json', 'ndjson'])
      .default('text'),
  );
}

/** The API that the flags name: by its address, or by the folder of its lab. */
export async function connectControl({
  control,
  controlTokenFile,
  dir,
}: ControlFlags): Promise<ControlClient> {
  const files = new LabFiles(dir);
  const found = control === undefined && existsSync(files.addressesPath) ? await files.read() : undefined;
  const url = control ?? found?.control ?? `http://127.0.0.1:${defaultControlPort}`;
  const path = controlTokenFile ?? found?.controlTokenFile;
  const token = path === undefined ? undefined : (await readText(path)).trim();
  return new ControlClient({ url, token });
}

function httpUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url.origin;
  throw new InvalidArgumentError('It must be http://HOST:PORT.');
}

/** Prints items: lines for people, or JSON. */
export function printItems<T>(
  items: readonly T[],
  format: OutputFormat,
  { text, data }: { readonly text: (item: T) => string; readonly data: (line: string) => void },
): void {
  if (format === 'json') return data(JSON.stringify(items));
  for (const item of items) data(format === 'ndjson' ? JSON.stringify(item) : text(item));
}
