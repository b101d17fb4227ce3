import { type ErrorCode, TunnelError } from '../../core/errors.js';
import { readDocument } from '../../pki/read-files.js';
import type { EgressContext } from './context.js';
import { createEgressSelector } from './create.js';
import { parseEgressConfiguration } from './parse.js';
import type { EgressSelector } from './selector.js';
import { validateEgressConfiguration } from './validate.js';

const where = '--egress-selector-config-file';

/** Paths start at the current folder. Rejects with FILE_UNREADABLE or CONFIG_INVALID in kube-apiserver's words. */
export async function loadEgressSelector(path: string, context: EgressContext): Promise<EgressSelector> {
  const text = await read(path, context.signal);
  const config = step('failed to read egress selector config', () => parseEgressConfiguration(text));
  const texts = validateEgressConfiguration(config).map(({ field, message }) => `${field}: ${message}`);
  if (texts.length > 0) {
    throw invalid(`failed to validate egress selector configuration: ${aggregate(texts)}`);
  }
  return step('failed to setup egress selector', () => createEgressSelector(config, context));
}

async function read(path: string, signal: AbortSignal | undefined): Promise<string> {
  try {
    return await readDocument(path, signal);
  } catch (caught) {
    const { cause, message } = TunnelError.from(caught, 'FILE_UNREADABLE');
    const missing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    const reason = cause instanceof Error ? cause.message : message;
    const text = missing
      ? `egress-selector-config-file ${path} does not exist`
      : `failed to read egress selector config: unable to read egress selector configuration from ${JSON.stringify(path)} [${reason}]`;
    throw invalid(text, cause, 'FILE_UNREADABLE');
  }
}

function step<T>(what: string, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    throw invalid(`${what}: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  }
}

function invalid(message: string, cause?: unknown, code: ErrorCode = 'CONFIG_INVALID'): TunnelError {
  return new TunnelError(code, message, { where, ...(cause === undefined ? {} : { cause }) });
}

/** A single error is printed alone; several are listed without duplicates. */
function aggregate(texts: readonly string[]): string {
  const different = [...new Set(texts)];
  return different.length === 1 ? different.join('') : `[${different.join(', ')}]`;
}
