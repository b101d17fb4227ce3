import type { ContainerRef } from '../containers/runtime.js';
import { TunnelError } from '../core/errors.js';
import type { RemoteCommandOptions, RemoteCommandResult, RemoteCommandStreams } from '../streams/types.js';
import type { ExecMessage__Output } from '../wire/gen/konnsim/kubelet/v1/ExecMessage.js';
import type { ExecStart__Output } from '../wire/gen/konnsim/kubelet/v1/ExecStart.js';
import { admitStream } from './admit-stream.js';
import type { DoorContext } from './door-context.js';
import { failCall, firstMessage, goneSignal, subjectOf } from './grpc-call.js';
import { type CommandCall, CommandStreams } from './grpc-command-streams.js';
import { traceRequest } from './request-trace.js';

type CommandVerb = 'exec' | 'attach';

interface PreparedCommand {
  readonly options: RemoteCommandOptions;
  readonly run: (streams: RemoteCommandStreams) => Promise<RemoteCommandResult>;
}

function refOf(start: ExecStart__Output): ContainerRef {
  const { namespace, pod, container, uid } = start;
  return { namespace, pod, container, ...(uid === '' ? {} : { uid }) };
}

function optionsOf(start: ExecStart__Output): RemoteCommandOptions {
  const { stdin, stdout, stderr, tty } = start;
  if (!stdin && !stdout && !stderr) {
    throw new TunnelError('BAD_REQUEST', 'you must specify at least 1 of stdin, stdout, stderr');
  }
  return { stdin, stdout, stderr: stderr && !tty, tty };
}

function prepare(context: DoorContext, verb: CommandVerb, start: ExecStart__Output): PreparedCommand {
  const { runtime } = context;
  const ref = refOf(start);
  if (verb === 'attach') {
    if (start.command.length > 0) throw new TunnelError('BAD_REQUEST', 'attach takes no command');
    runtime.checkRunning(ref);
    const options = { ...optionsOf(start), tty: runtime.hasTerminal(ref) };
    admitStream(context, { kind: 'attach', ...ref }, options);
    return { options, run: (streams) => runtime.attach(ref, streams) };
  }
  const { command, tty } = start;
  if (command.length === 0) throw new TunnelError('BAD_REQUEST', 'exec needs a command');
  const options = optionsOf(start);
  runtime.checkRunning(ref);
  const request = { ...ref, command, tty };
  admitStream(context, { kind: 'exec', ...request });
  return { options, run: (streams) => runtime.exec(request, streams) };
}

async function readStart(call: CommandCall): Promise<ExecStart__Output> {
  const { start } = await firstMessage<ExecMessage__Output>(call);
  if (!start) throw new TunnelError('BAD_REQUEST', 'the first message must be start');
  return start;
}

async function runOverCall(
  call: CommandCall,
  { options, run }: PreparedCommand,
  signal: AbortSignal,
): Promise<RemoteCommandResult> {
  const command = new CommandStreams(call, options, signal);
  try {
    const result = await run(command.streams);
    signal.throwIfAborted();
    await command.flush();
    call.write({ exit: result.kind === 'exit' ? { code: result.code } : { error: result.message } });
    call.end();
    return result;
  } finally {
    command.destroy();
  }
}

async function serveCommand(context: DoorContext, verb: CommandVerb, call: CommandCall): Promise<void> {
  const signal = goneSignal(call);
  const gone = 'the client is gone';
  const start = await readStart(call);
  const path = `/${verb}/${start.namespace}/${start.pod}/${start.container}`;
  const trace = traceRequest(context, subjectOf(call, verb, path));
  signal.addEventListener('abort', () => trace.failed(gone), { once: true });
  try {
    const { options, run } = prepare(context, verb, start);
    const followed: PreparedCommand['run'] = (streams) =>
      verb === 'exec' ? trace.follow(run(streams), signal) : run(streams);
    const result = await runOverCall(call, { options, run: followed }, signal);
    if (result.kind === 'exit') trace.finished({ exitCode: result.code });
    else trace.failed(result.message);
  } catch (caught) {
    trace.failed(signal.aborted ? gone : caught);
    throw caught;
  }
}

export function commandHandler(context: DoorContext, verb: CommandVerb): (call: CommandCall) => void {
  return (call) => {
    serveCommand(context, verb, call).catch((caught: unknown) => {
      failCall(call, TunnelError.from(caught, 'INTERNAL', context.node));
    });
  };
}
