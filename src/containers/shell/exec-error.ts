export type LookupFailure = 'not on path' | 'no such file' | 'is a directory' | 'not executable';

const lookupTexts: Readonly<Record<LookupFailure, (name: string) => string>> = {
  'not on path': () => 'executable file not found in $PATH',
  'no such file': (name) => `stat ${name}: no such file or directory`,
  'is a directory': () => 'is a directory',
  'not executable': () => 'permission denied',
};

/** The cause, in the words of a low-level container runtime. */
function startFailure(name: string, failure: LookupFailure): string {
  const cause = `exec: "${name}": ${lookupTexts[failure](name)}: unknown`;
  return `unable to start container process: ${cause}`;
}

/** Why a container's main process could not be started, in the words of containerd and runc. */
export function startError(name: string, failure: LookupFailure): string {
  const task = 'failed to create containerd task: failed to create shim task';
  return `${task}: OCI runtime create failed: runc create failed: ${startFailure(name, failure)}`;
}

/** What kubectl shows after `Internal error occurred: ` when a container runtime cannot start a program. */
export function execError(id: string, name: string, failure: LookupFailure): string {
  const runtime = 'OCI runtime exec failed: exec failed';
  return `failed to exec in container: failed to start exec "${id}": ${runtime}: ${startFailure(name, failure)}`;
}
