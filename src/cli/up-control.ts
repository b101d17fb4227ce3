import { randomBytes } from 'node:crypto';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { defaultControlPort } from '../control/contract.js';
import { isLoopback } from '../control/guard.js';
import { type Control, startControl } from '../control/start-control.js';
import { TunnelError } from '../core/errors.js';
import type { Lab } from '../lab/lab.js';
import { reasonOf } from '../pki/file-reasons.js';
import type { LabAddresses } from './lab-files.js';
import { option, portNumber, someText, wholeNumber } from './values.js';

export interface UpControlFlags {
  readonly controlHost: string;
  readonly controlPort?: number;
  readonly portsFile?: string;
  readonly parentPid?: number;
}

export function addUpControlOptions(command: Command): Command {
  return command
    .addOption(
      option(
        '--control-port <port>',
        `port of the page and the control API, 0 for a free one; default ${defaultControlPort}, or a free one if that is taken`,
      ).argParser(portNumber),
    )
    .addOption(
      option(
        '--control-host <address>',
        'where they listen; other addresses than the loopback need a token, which is made',
      )
        .argParser(someText)
        .default('127.0.0.1'),
    )
    .addOption(
      option('--ports-file <file>', 'write all addresses there, at once, when the lab is ready').argParser(
        someText,
      ),
    )
    .addOption(
      option('--parent-pid <pid>', 'end when this process has ended').argParser(wholeNumber(1, 2 ** 31 - 1)),
    );
}

export interface UpControl {
  readonly control: Control;
  readonly token: string | undefined;
}

/** Serves page and API. A port that was named must be free; the default one gives way. */
export async function startUpControl(lab: Lab, flags: UpControlFlags): Promise<UpControl> {
  const { controlHost: host, controlPort: port } = flags;
  const token = isLoopback(host) ? undefined : randomBytes(24).toString('base64url');
  const start = (number: number): Promise<Control> =>
    startControl(lab, { host, port: number, ...(token === undefined ? {} : { token }) });
  if (port !== undefined) return { control: await start(port), token };
  const control = await start(defaultControlPort).catch((error: unknown) => {
    if (TunnelError.from(error).code === 'ADDRESS_IN_USE') return start(0);
    throw error;
  });
  return { control, token };
}

/** Who waits for the file finds it whole. Throws FILE_UNWRITABLE. */
export function writePortsFile(path: string, addresses: LabAddresses): void {
  const partial = `${path}.partial`;
  try {
    writeFileSync(partial, `${JSON.stringify(addresses, undefined, 2)}\n`, { mode: 0o600 });
    renameSync(partial, path);
  } catch (cause) {
    rmSync(partial, { force: true });
    throw new TunnelError('FILE_UNWRITABLE', `${resolve(path)}: ${reasonOf(cause)}`, { where: path, cause });
  }
}

const lookMs = 250;

/** Resolves when the process has ended. Never without one. */
export function endOf(pid: number | undefined): { readonly ended: Promise<void>; dispose(): void } {
  let timer: NodeJS.Timeout | undefined;
  const ended = new Promise<void>((done) => {
    if (pid === undefined) return;
    timer = setInterval(() => isAlive(pid) || done(), lookMs);
  });
  return { ended, dispose: () => clearInterval(timer) };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It lives, and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
