import { spawn } from 'node:child_process';
import { markVariable } from './environment.js';

/**
 * A shell that outlives this process. Its input ends when this process ends, for any reason. Then it kills what is left
 * of our containers and removes their folder. It finds processes by the mark in their environment, which names that
 * folder, and by the groups that it was told about: a process that has cleared its environment may lead one. A group's
 * leader must be the same process as then, by its start time (field 22 of `stat`), because process IDs are used again.
 */
const script = `
trap '' HUP INT TERM
start() { line=$(cat "/proc/$1/stat") && set -- \${line##*)} && echo "\${20}"; }
groups=
while read -r sign id; do
  case $sign in
    +) groups="$groups $id:$(start "$id")" ;;
    -)
      rest=
      for one in $groups; do [ "\${one%:*}" = "$id" ] || rest="$rest $one"; done
      groups=$rest ;;
  esac
done
for one in $groups; do
  [ "$(start "\${one%:*}")" = "\${one#*:}" ] && kill -9 "-\${one%:*}"
done
# A line break would make two patterns of it.
[ "$(echo "$1" | wc -l)" -eq 1 ] || exit
for look in 1 2 3 4 5 6 7 8 9 10; do
  found=$(grep -lsF "$2=$1/" /proc/[0-9]*/environ)
  [ "$found" ] || break
  for path in $found; do path=\${path%/environ}; kill -9 "\${path#/proc/}"; done
  sleep 0.1
done
rm -rf "$1"
`;

/** Ends a runtime's containers when the runtime's own process ends too early. */
export interface Guardian {
  /** A process group that a container has started. If the leader's start time is unknown, the group is ignored. */
  watch(group: number): void;
  forget(group: number): void;
  /** Removes the folder too; resolves when the guardian has ended. */
  close(): Promise<void>;
}

/** It has its own session, so that a terminal does not end it together with us. */
export function startGuardian(folder: string): Guardian {
  const child = spawn('sh', ['-c', script, 'konnsim-guardian', folder, markVariable], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    cwd: '/',
    env: { PATH: process.env['PATH'] },
  });
  // Without a shell there is no guardian, but then no container can be started either.
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  child.stdin.on('error', () => undefined);
  return {
    watch: (group) => void child.stdin.write(`+ ${group}\n`),
    forget: (group) => void child.stdin.write(`- ${group}\n`),
    close: () => {
      child.stdin.end();
      return ended;
    },
  };
}
