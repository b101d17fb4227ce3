/** One run of the command line: its global flags, and its exit code. */
export interface Invocation {
  exitCode: number;
  /** False after `--no-color`. */
  colour: boolean;
}
