import { type Command, InvalidArgumentError } from 'commander';
import { CORE_SCHEMA, loadAll } from 'js-yaml';
import { TunnelError } from '../core/errors.js';
import type { FaultDocument } from '../links/fault-document.js';
import { planFault } from '../links/fault-plan.js';
import type { PresetName } from '../links/presets.js';
import { readText } from '../pki/read-files.js';
import { option, someText } from './values.js';

/** A document, or the name of a preset. */
export type FaultFlag = FaultDocument | PresetName;

export interface FaultFlags {
  readonly fault: readonly FaultFlag[];
  readonly faults?: string;
}

export function addFaultOptions(command: Command): Command {
  const fault = option(
    '--fault <fault>',
    'a preset such as max-age-60s, or a fault as YAML or JSON; may be given several times',
  );
  const file = option('--faults <file>', 'faults as YAML: documents, or lists of them');
  return command.addOption(fault.argParser(collect).default([], 'none')).addOption(file.argParser(someText));
}

/** All faults of the flags, checked. Rejects with FILE_UNREADABLE, or with CONFIG_INVALID, which names file and fault. */
export async function faultsOf({ fault, faults: path }: FaultFlags): Promise<readonly FaultFlag[]> {
  if (path === undefined) return fault;
  return [...fault, ...parse(await readText(path), path)];
}

function collect(text: string, soFar: readonly FaultFlag[]): readonly FaultFlag[] {
  try {
    return [...soFar, ...parse(text, '--fault')];
  } catch (error) {
    throw new InvalidArgumentError(TunnelError.from(error).message);
  }
}

function parse(text: string, where: string): FaultFlag[] {
  const found = documentsIn(text, where).flatMap((document) => document) as FaultFlag[];
  if (found.length === 0) throw new TunnelError('CONFIG_INVALID', `${where} has no fault`);
  for (const [index, fault] of found.entries()) {
    try {
      planFault(fault);
    } catch (cause) {
      const which = found.length === 1 ? '' : `, fault ${index + 1}`;
      throw new TunnelError('CONFIG_INVALID', `${where}${which}: ${TunnelError.from(cause).message}`, {
        cause,
      });
    }
  }
  return found;
}

/** The documents of a YAML or JSON text. Throws CONFIG_INVALID. */
export function documentsIn(text: string, where: string): unknown[] {
  try {
    return loadAll(text, { schema: CORE_SCHEMA }).filter(
      (document) => document !== null && document !== undefined,
    );
  } catch (cause) {
    const [reason = ''] = (cause instanceof Error ? cause.message : String(cause)).split('\n');
    throw new TunnelError('CONFIG_INVALID', `${where} is no YAML: ${reason}`, { cause });
  }
}
