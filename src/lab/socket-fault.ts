import { lstatSync, renameSync, rmSync, writeFileSync } from 'node:fs';

/**
 * Takes a Unix socket away from its path; `stale` leaves a file there to which nobody listens. Returns how to put it back,
 * which leaves the socket of a server that was started meanwhile.
 */
export function takeSocket(path: string, is: 'missing' | 'stale'): (() => void) | undefined {
  const away = `${path}.away`;
  if (!isSocket(path)) return undefined;
  renameSync(path, away);
  // The kernel refuses a connect to any file without a listener.
  if (is === 'stale') writeFileSync(path, '');
  return () => {
    if (isSocket(path)) return rmSync(away, { force: true });
    rmSync(path, { force: true });
    renameSync(away, path);
  };
}

function isSocket(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true;
}
