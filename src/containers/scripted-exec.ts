import { createRandom } from '../core/random.js';
import type { RemoteCommandResult, RemoteCommandStreams } from '../streams/types.js';
import type { ExecAnswer } from './behaviours.js';
import { exitCodes, type Machine } from './commands/command.js';
import { disconnectText } from './cut-connection.js';
import { BrokenPipe, type ByteSink, discardSink, StreamSink } from './io/byte-sink.js';
import { type ByteSource, bytesSource } from './io/byte-source.js';
import { terminalOutput } from './io/terminal.js';

export interface ScriptedExec {
  readonly answer: ExecAnswer;
  readonly tty: boolean;
  readonly streams: RemoteCommandStreams;
  readonly machine: Machine;
  /** Aborts when the container has ended or the client has left. */
  readonly signal: AbortSignal;
}

const chunkBytes = 65_536;
/** With a limited rate, output is sent in so many steps per second. */
const stepsPerSecond = 20;

export async function runScripted(exec: ScriptedExec): Promise<RemoteCommandResult> {
  const { answer, machine, signal } = exec;
  await machine.sleep(answer.delayMs ?? 0, signal);
  if (answer.error !== undefined) return { kind: 'error', message: answer.error };
  const out = openSink(exec.streams.stdout, exec);
  const err = exec.tty ? out : openSink(exec.streams.stderr, exec);
  const budget = { leftBytes: answer.disconnectAfterBytes ?? Number.POSITIVE_INFINITY };
  try {
    await play(bytesSource(Buffer.from(answer.stdout ?? '')), out.sink, exec, budget);
    if (answer.bytes !== undefined) await play(generated(answer), out.sink, exec, budget);
    await play(bytesSource(Buffer.from(answer.stderr ?? '')), err.sink, exec, budget);
    if (budget.leftBytes <= 0) return disconnect(exec);
    await Promise.all([out.flush(), err.flush()]);
  } catch (error) {
    if (!(error instanceof BrokenPipe)) throw error;
  }
  return { kind: 'exit', code: signal.aborted ? exitCodes.killed : (answer.exitCode ?? 0) };
}

interface OpenSink {
  readonly sink: ByteSink;
  flush(): Promise<void>;
}

function openSink(stream: RemoteCommandStreams['stdout'], { tty, signal }: ScriptedExec): OpenSink {
  if (stream === undefined) return { sink: discardSink, flush: async () => undefined };
  const sink = new StreamSink(stream, signal);
  return { sink: tty ? terminalOutput(sink) : sink, flush: () => sink.flush() };
}

/** Writes at the configured rate until the source or the byte limit ends. */
async function play(
  source: ByteSource,
  sink: ByteSink,
  { answer, machine, signal }: ScriptedExec,
  budget: { leftBytes: number },
): Promise<void> {
  const rate = answer.bytesPerSecond;
  const stepBytes =
    rate === undefined ? chunkBytes : Math.max(1, Math.min(chunkBytes, Math.ceil(rate / stepsPerSecond)));
  for (let chunk = await source.next(); chunk !== undefined; chunk = await source.next()) {
    for (let at = 0; at < chunk.length; at += stepBytes) {
      if (signal.aborted || budget.leftBytes <= 0) return;
      const step = chunk.subarray(at, at + Math.min(stepBytes, budget.leftBytes));
      budget.leftBytes -= step.length;
      await sink.write(step);
      if (rate !== undefined) await machine.sleep((step.length * 1000) / rate, signal);
    }
  }
}

function generated({ bytes = 0, byteSource = 'counting', seed = 0 }: ExecAnswer): ByteSource {
  const random = createRandom(seed);
  let done = 0;
  return {
    async next() {
      if (done >= bytes) return undefined;
      const chunk = Buffer.allocUnsafe(Math.min(chunkBytes, bytes - done));
      for (let at = 0; at < chunk.length; at++)
        chunk[at] = byteSource === 'counting' ? (done + at) & 0xff : random.below(256);
      done += chunk.length;
      return chunk;
    },
  };
}

/** Breaks the client's streams as a lost connection does. */
function disconnect({ streams, answer }: ScriptedExec): RemoteCommandResult {
  const message = disconnectText(answer.disconnectAfterBytes ?? 0);
  const error = Object.assign(new Error(message), { code: 'ECONNRESET' });
  for (const stream of [streams.stdout, streams.stderr, streams.stdin]) {
    stream?.on('error', () => undefined);
    stream?.destroy(error);
  }
  return { kind: 'error', message };
}
