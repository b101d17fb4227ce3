import { TunnelError } from '../core/errors.js';
import {
  type FaithfulName,
  type FaithfulRole,
  faithfulNames,
  faithfulOf,
  parseFaithful,
} from '../core/faithful.js';
import type { Environment } from './command-line.js';

/** A variable, not a flag, because the flags are Konnectivity's. */
const faithfulVariable = 'KONNSIM_FAITHFUL';

/** `NAME,NAME`. Those of other roles are ignored, so that one variable serves a machine. Throws CONFIG_INVALID. */
export function faithfulFrom(env: Environment, role: FaithfulRole): readonly FaithfulName[] {
  const names = parseFaithful(env[faithfulVariable] ?? '');
  if (!('unknown' in names)) return faithfulOf(role, names);
  const text = `${faithfulVariable}: "${names.unknown}" is not a known behaviour`;
  throw new TunnelError('CONFIG_INVALID', text, { hint: `known are ${faithfulNames([role]).join(', ')}` });
}
