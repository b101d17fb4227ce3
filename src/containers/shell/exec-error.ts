export type LookupFailure = 'not on path' | 'no such file' | 'is a directory' | 'not executable';

const lookupTexts: Readonly<Record<LookupFailure, (name: string) => string>> = {
  'not on path': () => 'executable file not found in $PATH',
  'no such file': (name) => `stat ${name}: no such file or directory`,
  'is a directory': () => 'is a directory',
  'not executable': () => 'permission denied',
};

/** Why a program cannot be started, in the words of a low-level container runtime. */
export function lookupCause(name: string, failure: LookupFailure): string {
  return `exec: "${name}": ${lookupTexts[failure](name)}`;
}

/** Why a container's main process could not be started, in the words of containerd and runc. */
export function startError(cause: string): string {
  const task = 'failed to create containerd task: failed to create shim task';
  return `${task}: OCI runtime create failed: runc create failed: ${startFailure(cause)}`;
}

/** What kubectl shows after `Internal error occurred: ` when a container runtime cannot start a program. */
export function execError(id: string, cause: string): string {
  const runtime = 'OCI runtime exec failed: exec failed';
  return `failed to exec in container: failed to start exec "${id}": ${runtime}: ${startFailure(cause)}`;
}

function startFailure(cause: string): string {
  return `unable to start container process: ${cause}: unknown`;
}
