/** One run of the command line: what the flags that every command has said, and how it ends. */
export interface Invocation {
  exitCode: number;
  /** False after `--no-color`. */
  colour: boolean;
}
