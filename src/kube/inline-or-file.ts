import { resolve } from 'node:path';
import type { Clock } from '../core/clock.js';
import type { TunnelError } from '../core/errors.js';
import { FileText } from './file-text.js';

export interface Kubeconfig {
  readonly path: string;
  /** Relative paths start here. */
  readonly folder: string;
  readonly clock: Clock;
  readonly invalid: (text: string) => TunnelError;
}

/** Two fields for the same value: inline base64, which wins as in client-go, or the name of a file. */
export interface InlineOrFileFields {
  /** The name of the field, without `-data`. */
  readonly field: string;
  readonly data: string | null | undefined;
  readonly path: string | null | undefined;
}

/** A function that returns the text; undefined when neither field is there. Throws CONFIG_INVALID for bad base64. */
export function inlineOrFile(file: Kubeconfig, fields: InlineOrFileFields): (() => string) | undefined {
  const { field, data, path } = fields;
  if ((data ?? '') !== '') {
    const text = decoded(data ?? '');
    if (text === undefined) throw file.invalid(`${field}-data is not base64`);
    return () => text;
  }
  if ((path ?? '') === '') return undefined;
  const named = new FileText(resolve(file.folder, path ?? ''), file.clock);
  return () => named.read();
}

function decoded(text: string): string | undefined {
  const compact = text.replaceAll(/\s/g, '');
  const valid = compact.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(compact);
  return valid ? Buffer.from(compact, 'base64').toString('utf8') : undefined;
}
