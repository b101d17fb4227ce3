import type { Duplex } from 'node:stream';
import type { Clock } from '../core/clock.js';
import { servePortForward } from '../streams/port-forward-server.js';
import { offeredProtocol } from '../streams/protocol-names.js';
import { serveRemoteCommand } from '../streams/remote-command-server.js';
import type { RemoteCommandResult, RemoteCommandStreams, StreamProtocol, Upgrade } from '../streams/types.js';
import { endSoon, refuseUpgrade } from '../streams/upgrade-response.js';
import type { DoorContext } from './door-context.js';
import { responseOnSocket } from './http-reply.js';
import { answerRequest, type ParsedRequest, subjectOf } from './http-request.js';
import { planUpgrade, type UpgradePlan } from './http-upgrade-plan.js';
import { type RequestTrace, traceRequest } from './request-trace.js';

type CommandPlan = Extract<UpgradePlan, { kind: 'command' }>;
type PortsPlan = Extract<UpgradePlan, { kind: 'ports' }>;

const cutDelayMs = 100;

/** Reports an upgraded request. Its protocol is known late, and its socket may end it at any time. */
class UpgradeTrace {
  private readonly trace: RequestTrace;
  private protocol: StreamProtocol | undefined;
  private failure: unknown;

  constructor(trace: RequestTrace) {
    this.trace = trace;
  }

  readonly onProtocol = (protocol: StreamProtocol): void => {
    this.protocol = protocol;
  };

  readonly onFailure = (error: Error): void => {
    this.failure ??= error;
  };

  finished(exitCode?: number): void {
    this.trace.finished({ ...this.outcome(), ...(exitCode === undefined ? {} : { exitCode }) });
  }

  failed(caught: unknown): void {
    this.trace.failed(caught, this.outcome());
  }

  readonly follow: RequestTrace['follow'] = (command, clientGone) => this.trace.follow(command, clientGone);

  /** The connection has ended. That is a failure if one was reported, or if nothing else ended the request. */
  ended(cleanWithoutResult: boolean): void {
    if (this.failure !== undefined) this.failed(this.failure);
    else if (cleanWithoutResult) this.finished();
    else this.failed('the client is gone');
  }

  private outcome(): { status: number; protocol?: StreamProtocol } {
    return this.protocol === undefined ? { status: 400 } : { status: 101, protocol: this.protocol };
  }
}

/** A runtime cuts the connection by breaking an output. When it wants an error reported, the outputs are whole. */
function wasCut({ stdout, stderr }: RemoteCommandStreams, result: RemoteCommandResult): boolean {
  return result.kind === 'error' && [stdout, stderr].some((output) => output?.errored);
}

/** Ends the connection without a status, after the stream layer had time to send what the command wrote. */
function cut(socket: Duplex, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    clock.after(cutDelayMs, () => {
      endSoon(socket, clock);
      resolve();
    });
  });
}

function serveCommand(context: DoorContext, upgrade: Upgrade, plan: CommandPlan, trace: UpgradeTrace): void {
  const { clock } = context;
  const { onProtocol, onFailure } = trace;
  upgrade.socket.once('close', () => trace.ended(false));
  const run: CommandPlan['run'] = async (streams) => {
    try {
      const running = plan.run(streams);
      const result = await (plan.verb === 'exec' ? trace.follow(running, streams.signal) : running);
      if (wasCut(streams, result)) await cut(upgrade.socket, clock);
      if (result.kind === 'exit') trace.finished(result.code);
      else trace.failed(result.message);
      return result;
    } catch (caught) {
      trace.failed(streams.signal.aborted ? 'the client is gone' : caught);
      throw caught;
    }
  };
  serveRemoteCommand(upgrade, plan.options, run, {
    clock,
    operation: plan.verb,
    onProtocol,
    onFailure,
    ...timeoutsOf(context),
  });
}

function servePorts(context: DoorContext, upgrade: Upgrade, plan: PortsPlan, trace: UpgradeTrace): void {
  upgrade.socket.once('close', () => trace.ended(true));
  const { clock } = context;
  const { onProtocol, onFailure } = trace;
  servePortForward(upgrade, plan.connect, {
    clock,
    podId: plan.podId,
    onProtocol,
    onFailure,
    ...timeoutsOf(context),
  });
}

function timeoutsOf({ settings }: DoorContext): { creationTimeoutMs: number; idleTimeoutMs: number } {
  const { streamCreationTimeoutMs, streamingConnectionIdleTimeoutMs } = settings;
  return { creationTimeoutMs: streamCreationTimeoutMs, idleTimeoutMs: streamingConnectionIdleTimeoutMs };
}

/** Answers an upgrade request: on a stream's path with the stream, on other paths as a plain request. */
export function answerUpgrade(context: DoorContext, upgrade: Upgrade, parsed: ParsedRequest): void {
  const { request, socket } = upgrade;
  const { route } = parsed;
  if (route.kind !== 'exec' && route.kind !== 'attach' && route.kind !== 'portForward') {
    return answerRequest(context, request, responseOnSocket(request, socket), parsed);
  }
  const trace = traceRequest(context, { ...subjectOf(request, parsed), protocol: offeredProtocol(request) });
  const plan = planUpgrade(context, route, parsed.search);
  switch (plan.kind) {
    case 'refused':
      trace.failed(plan.text, { status: plan.status });
      return refuseUpgrade(
        socket,
        { status: plan.status, body: plan.text, headers: Object.entries(plan.headers ?? {}) },
        context.clock,
      );
    case 'command':
      return serveCommand(context, upgrade, plan, new UpgradeTrace(trace));
    case 'ports':
      return servePorts(context, upgrade, plan, new UpgradeTrace(trace));
  }
}
