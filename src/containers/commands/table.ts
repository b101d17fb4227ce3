import { base64, gunzip, gzip, zcat } from './base64-gzip.js';
import { cat, tee, yes } from './cat-tee-yes.js';
import type { Command } from './command.js';
import { cut } from './cut.js';
import { date, sleep } from './date-sleep.js';
import { dd } from './dd.js';
import { head, tail } from './head-tail.js';
import { od } from './od.js';
import { echo, env, fail, hostname, id, seq, stty, succeed, uname, whoami } from './print-commands.js';
import { sort } from './sort/sort.js';
import { tar } from './tar/tar.js';
import { tr } from './tr.js';
import { uniq } from './uniq.js';
import { md5sum, sha1sum, sha256sum, sha512sum, wc } from './wc-checksums.js';

export const commandTable: ReadonlyMap<string, Command> = new Map(
  Object.entries({
    base64,
    cat,
    cut,
    date,
    dd,
    echo,
    env,
    false: fail,
    gunzip,
    gzip,
    head,
    hostname,
    id,
    md5sum,
    od,
    printenv: env,
    seq,
    sha1sum,
    sha256sum,
    sha512sum,
    sleep,
    sort,
    stty,
    tail,
    tar,
    tee,
    tr,
    true: succeed,
    uname,
    uniq,
    wc,
    whoami,
    yes,
    zcat,
  }),
);

/** The command of that name, if it supports the arguments. */
export function findCommand(name: string, args: readonly string[]): Command | undefined {
  const command = commandTable.get(name.replace(/^(\/usr)?\/bin\//, ''));
  return command?.accepts(args) === true ? command : undefined;
}
