import { TunnelError } from '../../core/errors.js';
import { readDocument, readStream } from '../../pki/read-files.js';
import { programsOfText } from './command-text.js';
import { type FoundProgram, programsOfManifest } from './manifest.js';
import { type Program, readProgram } from './programs.js';

export interface InputFiles {
  /** Kubernetes manifests. `-` is stdin, here and below. */
  readonly manifests: readonly string[];
  /** Command lines of proxy-servers. */
  readonly serverFlags: readonly string[];
  readonly agentFlags: readonly string[];
}

/** Reads all programs of the files, in their order. Rejects with USAGE, FILE_UNREADABLE or CONFIG_INVALID. */
export async function readInputs({
  manifests,
  serverFlags,
  agentFlags,
}: InputFiles): Promise<readonly Program[]> {
  const files = [...manifests, ...serverFlags, ...agentFlags];
  if (files.length === 0) {
    throw new TunnelError('USAGE', 'konnsim lint needs a file', {
      hint: 'Name a manifest, or command lines with --server-flags or --agent-flags; - is stdin.',
    });
  }
  if (files.filter((file) => file === '-').length > 1) {
    throw new TunnelError('USAGE', 'stdin (-) can be read only once');
  }
  const found: FoundProgram[] = [];
  for (const file of manifests) found.push(...programsOfManifest(nameOf(file), await read(file)));
  for (const file of serverFlags) found.push(...programsOfText(nameOf(file), await read(file), 'server'));
  for (const file of agentFlags) found.push(...programsOfText(nameOf(file), await read(file), 'agent'));
  if (found.length > 0) return found.map(readProgram);
  const names = files.map(nameOf).join(', ');
  throw new TunnelError('CONFIG_INVALID', `${names}: no container runs proxy-server or proxy-agent`, {
    where: names,
    hint: 'lint reads pods, and the objects that make pods, by the program in their command or the name of their image.',
  });
}

function read(file: string): Promise<string> {
  return file === '-' ? readStream('stdin', process.stdin) : readDocument(file);
}

function nameOf(file: string): string {
  return file === '-' ? 'stdin' : file;
}
