import { type CommandName, getCommandNames as everyCommandName } from 'just-bash';

/* All that is used of `just-bash`. The build puts a bundle here; `scripts/bundle-shell.mjs` names what it lacks. */
export type {
  BashExecResult,
  ByteString,
  Command,
  CommandContext,
  CommandNode,
  ExecResult,
  FileContent,
  FsStat,
  IFileSystem,
  InitialFiles,
  PipelineNode,
  ResolvedCommandContext,
  SimpleCommandNode,
  StatementNode,
  WordNode,
} from 'just-bash';
export { Bash, parse } from 'just-bash';

/** `sqlite3` is left out: a data base is no text, so it could only be kept in memory here, for 31 MB of program. */
const leftOut: readonly string[] = ['sqlite3'];

/** The library's commands that a sandbox has. */
export function getCommandNames(): CommandName[] {
  return everyCommandName().filter((name): name is CommandName => !leftOut.includes(name));
}
