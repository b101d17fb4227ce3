/** The sandbox cannot do what a real system can. The command says so and fails with `exitCodes.limit`. */
export class SandboxLimit extends Error {
  override readonly name = 'SandboxLimit';

  constructor(what: string) {
    super(`${what}: this is a limit of the sandbox`);
  }
}

/** The highest number of bytes that one command keeps in memory. */
export const maxKeptBytes = 64 * 1024 * 1024;

/** A failure of the command itself, printed as `name: message`. */
export class CommandFailure extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}
