import { TunnelError } from '../core/errors.js';
import {
  behaviourModes,
  type FaithfulOptions,
  type FaithfulRole,
  faithfulNames,
  parseFaithful,
} from '../core/faithful.js';
import type { Environment } from './command-line.js';

/**
 * `KONNSIM_AS` and `KONNSIM_FAITHFUL`: variables, not flags, because the flags are Konnectivity's. Names of other roles
 * have no effect, so that one variable serves a machine. Throws CONFIG_INVALID.
 */
export function behaviourFrom(env: Environment, role: FaithfulRole): FaithfulOptions {
  const { KONNSIM_AS: mode = '', KONNSIM_FAITHFUL: names = '' } = env;
  const as = behaviourModes.find((known) => known === (mode === '' ? 'real' : mode));
  if (as === undefined) throw unknown('KONNSIM_AS', mode, behaviourModes);
  const faithful = parseFaithful(names);
  if ('unknown' in faithful) throw unknown('KONNSIM_FAITHFUL', faithful.unknown, faithfulNames([role]));
  return { as, faithful };
}

function unknown(variable: string, word: string, known: readonly string[]): TunnelError {
  const text = `${variable}: "${word}" is not a known behaviour`;
  return new TunnelError('CONFIG_INVALID', text, { hint: `known are ${known.join(', ')}` });
}
