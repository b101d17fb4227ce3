import { exitCodes } from '../commands/command.js';
import { maxKeptBytes } from '../commands/limit.js';
import { findCommand } from '../commands/table.js';
import { BufferSink, type ByteSink, discardSink, writeText } from '../io/byte-sink.js';
import { Input } from '../io/byte-source.js';
import { createPipe } from '../io/pipe.js';
import { byteResult, checked, givenStdin, processOf, type ShellStreams, stopAtLimit } from './adapters.js';
import type { ExecResult, ResolvedCommandContext } from './bash-library.js';
import { pipeMarks } from './rewrite-pipes.js';
import { runCommand } from './run-plan.js';
import { readsStdin } from './stdin-readers.js';

interface Stage {
  readonly name: string;
  readonly args: readonly string[];
  readonly stderr: 'shell' | 'nowhere' | 'next';
}

interface Run {
  readonly context: ResolvedCommandContext;
  readonly streams: ShellStreams;
  readonly stderr: ByteSink;
}

/** At the same time, joined by pipes of one chunk. The library runs one after the other and keeps all output. */
export async function runPipe(
  [mode, ...words]: readonly string[],
  context: ResolvedCommandContext,
  streams: ShellStreams,
): Promise<ExecResult> {
  const direct = mode === pipeMarks.direct;
  const [out, err] = [new BufferSink(maxKeptBytes), new BufferSink(maxKeptBytes)];
  const stderr = direct ? streams.place.stderr : err;
  const stages = readStages(words);
  const pipes = stages.slice(1).map(() => createPipe());
  const codes = await Promise.all(
    stages.map(async (stage, index) => {
      const [before, after] = [pipes[index - 1], pipes[index]];
      const stdin = before === undefined ? givenStdin(context, streams) : new Input(before.source);
      const stdout = after?.sink ?? (direct ? streams.place.stdout : out);
      try {
        return await runStage(stage, { context, streams, stderr }, { stdin, stdout });
      } finally {
        before?.close();
        after?.end();
      }
    }),
  );
  if (codes.includes(exitCodes.limit)) return stopAtLimit(streams, direct ? '' : err.bytes().toString());
  const failed = (context.env.get('SHELLOPTS') ?? '').includes('pipefail')
    ? codes.findLast((code) => code !== 0)
    : undefined;
  const result = byteResult(out.bytes(), err.bytes(), failed ?? codes.at(-1) ?? 0);
  return mode === pipeMarks.text ? checked(stages.at(-1)?.name ?? '', streams, result) : result;
}

function readStages(words: readonly string[]): Stage[] {
  const stages: Stage[] = [];
  let argv: string[] = [];
  for (const word of words) {
    const stderr = pipeMarks.ends[word];
    if (stderr === undefined) argv.push(word);
    else {
      const [name = '', ...args] = argv;
      stages.push({ name, args, stderr });
      argv = [];
    }
  }
  return stages;
}

interface StageStreams {
  readonly stdin: Input;
  readonly stdout: ByteSink;
}

async function runStage(
  { name, args, stderr }: Stage,
  run: Run,
  { stdin, stdout }: StageStreams,
): Promise<number> {
  const errors = stderr === 'nowhere' ? discardSink : stderr === 'next' ? stdout : run.stderr;
  const process = { ...processOf(args, run.context, run.streams), stdin, stdout, stderr: errors };
  if (findCommand(name, args) !== undefined) return runCommand(name, process);
  return runCommand(name, process, {
    accepts: () => true,
    run: () => runLibrary({ name, args, stderr }, run, process),
  });
}

/** A command of the library reads all its input before it starts, and returns its output when it ends. */
async function runLibrary(
  { name, args }: Stage,
  { context, streams }: Run,
  process: StageStreams & { readonly stderr: ByteSink },
): Promise<number> {
  const { exec } = context;
  if (exec === undefined) return exitCodes.limit;
  const input = new BufferSink(maxKeptBytes);
  if (readsStdin(name, args))
    for (let chunk = await process.stdin.next(); chunk !== undefined; chunk = await process.stdin.next())
      await input.write(chunk);
  const output = new BufferSink(maxKeptBytes);
  const device = streams.lend({ write: (bytes) => output.write(bytes) });
  try {
    const result = await exec(`${name} >>${device.path}`, {
      cwd: context.cwd,
      env: context.exportedEnv ?? {},
      signal: streams.signal(),
      stdin: input.bytes().toString('latin1'),
      stdinKind: 'bytes',
      args: [...args],
    });
    await writeText(process.stderr, result.stderr);
    await process.stdout.write(output.bytes());
    return result.exitCode;
  } finally {
    device.remove();
  }
}
