import type { Command } from './command.js';
import { cat, dd, tee, yes } from './copying.js';
import { head, md5sum, sha1sum, sha256sum, sha512sum, tail, wc } from './measuring.js';
import { echo, env, fail, hostname, id, seq, stty, succeed, uname, whoami } from './saying.js';
import { tar } from './tar/tar.js';
import { date, sleep } from './timing.js';

/** The streaming commands by name. */
export const commandTable: ReadonlyMap<string, Command> = new Map(
  Object.entries({
    cat,
    date,
    dd,
    echo,
    env,
    false: fail,
    head,
    hostname,
    id,
    md5sum,
    printenv: env,
    seq,
    sha1sum,
    sha256sum,
    sha512sum,
    sleep,
    stty,
    tail,
    tar,
    tee,
    true: succeed,
    uname,
    wc,
    whoami,
    yes,
  }),
);

/** The command of that name, when it understands the arguments. */
export function findCommand(name: string, args: readonly string[]): Command | undefined {
  const command = commandTable.get(name.replace(/^(\/usr)?\/bin\//, ''));
  return command?.accepts(args) === true ? command : undefined;
}
