import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { TunnelError } from '../../core/errors.js';
import { dialSocket, type TargetOptions } from '../port-forward.js';
import { portFile } from '../programs/program.js';

/**
 * Connects to a port on which a program of ours listens in this folder. Undefined when none does. Paths of sockets have at
 * most 107 bytes, and those of containers may be longer: so the way goes over a descriptor of the folder.
 */
export async function dialOwnPort(
  folder: string,
  port: number,
  options: TargetOptions,
): Promise<Socket | undefined> {
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY).catch(() => undefined);
  if (handle === undefined) return undefined;
  try {
    return await dialSocket(`/proc/self/fd/${handle.fd}/${portFile(port)}`, port, options);
  } catch (caught) {
    const { cause } = TunnelError.from(caught);
    const { code } = cause as NodeJS.ErrnoException;
    // Left by a program that has ended, or never there.
    if (code === 'ENOENT' || code === 'ECONNREFUSED') return undefined;
    throw caught;
  } finally {
    await handle.close();
  }
}
