import type { Duplex } from 'node:stream';
import type { ContainerRef, StreamRequest } from '../containers/runtime.js';
import { TunnelError } from '../core/errors.js';
import type { RemoteCommandOptions, RemoteCommandResult, RemoteCommandStreams } from '../streams/types.js';
import { type AskedStreams, admitStream } from './admit-stream.js';
import type { DoorContext } from './door-context.js';
import type { Refusal } from './http-reply.js';
import type { Route } from './http-router.js';

type UpgradeRoute = Extract<Route, { kind: 'exec' | 'attach' | 'portForward' }>;
type CommandRoute = Extract<UpgradeRoute, { kind: 'exec' | 'attach' }>;
type PortRoute = Extract<UpgradeRoute, { kind: 'portForward' }>;

export type UpgradePlan =
  | ({ readonly kind: 'refused' } & Refusal)
  | {
      readonly kind: 'command';
      readonly verb: 'exec' | 'attach';
      readonly options: RemoteCommandOptions;
      readonly run: (streams: RemoteCommandStreams) => Promise<RemoteCommandResult>;
    }
  | {
      readonly kind: 'ports';
      /** The pod as error texts name it. */
      readonly podId: string;
      readonly connect: (port: number, signal: AbortSignal) => Promise<Duplex>;
    };

type CommandPlan = Extract<UpgradePlan, { kind: 'command' }>;

function refused(status: number, text: string): UpgradePlan {
  return { kind: 'refused', status, text };
}

/** Asks the container runtime for the stream. Returns the refusal, if any. */
function askRuntime(
  context: DoorContext,
  request: StreamRequest,
  streams?: AskedStreams,
): UpgradePlan | undefined {
  try {
    admitStream(context, request, streams);
    return undefined;
  } catch (caught) {
    const { code, message: text } = TunnelError.from(caught);
    if (code === 'TOO_MANY_REQUESTS') return { ...tooMany, text };
    return refused(code === 'CONTAINER_NOT_FOUND' ? 404 : 500, text);
  }
}

/** When a token expires there is room again. */
const tooMany = { kind: 'refused', status: 429, headers: { 'Retry-After': '60' } } as const;

/** Only the literal `1` is true. */
function flags(query: URLSearchParams): RemoteCommandOptions {
  const on = (name: string): boolean => query.get(name) === '1';
  const tty = on('tty');
  return { stdin: on('input'), stdout: on('output'), stderr: on('error') && !tty, tty };
}

function unknownContainer(route: CommandRoute): UpgradePlan {
  const { namespace, pod, container } = route.ref;
  if (route.kind === 'exec') return refused(500, `container not found ("${container}")`);
  return refused(500, `container ${container} not found in pod ${pod}_${namespace}`);
}

function refusalOf(error: TunnelError, route: CommandRoute): UpgradePlan {
  if (error.code === 'POD_NOT_FOUND') return refused(404, 'pod does not exist');
  if (error.code === 'CONTAINER_NOT_FOUND') return unknownContainer(route);
  return refused(500, error.message);
}

function planCommand(context: DoorContext, route: CommandRoute, query: URLSearchParams): UpgradePlan {
  const { runtime } = context;
  const { ref, kind } = route;
  const options = flags(query);
  if (!options.stdin && !options.stdout && !options.stderr) {
    return refused(400, 'you must specify at least 1 of stdin, stdout, stderr');
  }
  try {
    // A kubelet looks for it among the running ones.
    runtime.checkRunning(ref);
    if (kind === 'exec') return planExec(context, ref, { options, command: query.getAll('command') });
    // An attach has the container's terminal setting, not the query's.
    const attached = { ...options, tty: runtime.hasTerminal(ref) };
    const refusal = askRuntime(context, { kind, ...ref }, attached);
    const run: CommandPlan['run'] = (streams) => runtime.attach(ref, streams);
    return refusal ?? { kind: 'command', verb: kind, options: attached, run };
  } catch (caught) {
    return refusalOf(TunnelError.from(caught), route);
  }
}

function planExec(
  context: DoorContext,
  ref: ContainerRef,
  { options, command }: { readonly options: RemoteCommandOptions; readonly command: readonly string[] },
): UpgradePlan {
  const request = { ...ref, command, tty: options.tty };
  const refusal = askRuntime(context, { kind: 'exec', ...request });
  const run: CommandPlan['run'] = (streams) => context.runtime.exec(request, streams);
  return refusal ?? { kind: 'command', verb: 'exec', options, run };
}

function planPorts(context: DoorContext, { namespace, pod, uid }: PortRoute): UpgradePlan {
  const { runtime } = context;
  const found = runtime
    .listPods()
    .find(({ metadata }) => metadata.namespace === namespace && metadata.name === pod);
  if (found === undefined) return refused(404, 'pod does not exist');
  if (uid !== undefined && found.metadata.uid !== uid) return refused(404, 'pod not found');
  const refusal = askRuntime(context, { kind: 'portForward', namespace, pod });
  if (refusal !== undefined) return refusal;
  return {
    kind: 'ports',
    podId: found.metadata.uid,
    connect: (port, signal) => runtime.portForward({ namespace, pod, port }, signal),
  };
}

/** Checks the query, the pod and the container, in the kubelet's order. */
export function planUpgrade(context: DoorContext, route: UpgradeRoute, search: string): UpgradePlan {
  if (route.kind === 'portForward') return planPorts(context, route);
  return planCommand(context, route, new URLSearchParams(search));
}
