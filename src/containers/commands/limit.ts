/** The sandbox cannot do what a real system can. It is told, and what asked for it fails with `exitCodes.limit`. */
export class SandboxLimit extends Error {
  override readonly name = 'SandboxLimit';

  constructor(what: string) {
    super(`${what}: this is a limit of the sandbox`);
  }
}

/** The most bytes that one command keeps in memory. */
export const maxKeptBytes = 64 * 1024 * 1024;

/** A command's own failure, told as `name: message`. */
export class CommandFailure extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}
