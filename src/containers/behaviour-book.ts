import { TunnelError } from '../core/errors.js';
import type {
  AttachRule,
  Behaviour,
  CommandMatch,
  ExecRule,
  ForwardRule,
  LogsRule,
  ObjectSelector,
  RuntimeRefusal,
} from './behaviours.js';
import type { ContainerRef, ExecRequest, LogRequest, PortForwardRequest, StreamRequest } from './runtime.js';
import { refusedStream } from './stream-refusal.js';

type PodPlace = Pick<ContainerRef, 'namespace' | 'pod'>;

/** Finds the scripted answer for a request. A behaviour for one pod wins over those for many pods. */
export class BehaviourBook {
  private readonly behaviours: readonly Behaviour[];

  /** Throws CONFIG_INVALID for a pattern that is not a regular expression. */
  constructor(behaviours: readonly Behaviour[]) {
    const own = behaviours.filter(({ kind }) => !kind.startsWith('Cluster'));
    this.behaviours = [...own, ...behaviours.filter((behaviour) => !own.includes(behaviour))];
    for (const behaviour of behaviours) checkPatterns(behaviour);
  }

  exec(request: Pick<ExecRequest, 'namespace' | 'pod' | 'container' | 'command'>): ExecRule | undefined {
    return this.rules(request, (behaviour) =>
      behaviour.kind === 'Exec' || behaviour.kind === 'ClusterExec' ? behaviour.spec.execs : [],
    ).find((rule) => isFor(rule, request) && matches(rule.match, request.command));
  }

  logs(request: Pick<LogRequest, 'namespace' | 'pod' | 'container'>): LogsRule | undefined {
    return this.rules(request, (behaviour) =>
      behaviour.kind === 'Logs' || behaviour.kind === 'ClusterLogs' ? behaviour.spec.logs : [],
    ).find((rule) => isFor(rule, request));
  }

  attach(request: Pick<ContainerRef, 'namespace' | 'pod' | 'container'>): AttachRule | undefined {
    return this.rules(request, (behaviour) =>
      behaviour.kind === 'Attach' || behaviour.kind === 'ClusterAttach' ? behaviour.spec.attaches : [],
    ).find((rule) => isFor(rule, request));
  }

  portForward(request: PortForwardRequest): ForwardRule | undefined {
    return this.forwards(request).find(
      ({ ports = [] }) => ports.length === 0 || ports.includes(request.port),
    );
  }

  /** Throws the refusal of the container runtime when a rule refuses the stream. */
  admit(request: StreamRequest): void {
    const refused = this.refusal(request);
    if (refused === undefined) return;
    if (typeof refused === 'string') throw refusedStream(refused);
    throw refusedStream(refused.code, refused.message);
  }

  private refusal(request: StreamRequest): RuntimeRefusal | undefined {
    switch (request.kind) {
      case 'exec':
        return this.exec(request)?.refused;
      case 'attach':
        return this.attach(request)?.refused;
      case 'portForward':
        return this.forwards(request).find(({ ports = [] }) => ports.length === 0)?.refused;
    }
  }

  private forwards(place: PodPlace): readonly ForwardRule[] {
    return this.rules(place, (behaviour) =>
      behaviour.kind === 'PortForward' || behaviour.kind === 'ClusterPortForward'
        ? behaviour.spec.forwards
        : [],
    );
  }

  private rules<Rule>(place: PodPlace, rulesOf: (behaviour: Behaviour) => readonly Rule[]): readonly Rule[] {
    return this.behaviours
      .filter((behaviour) => selects(behaviour, place))
      .flatMap((behaviour) => rulesOf(behaviour));
  }
}

function selects(behaviour: Behaviour, { namespace, pod }: PodPlace): boolean {
  if ('namespace' in behaviour.metadata) {
    return behaviour.metadata.namespace === namespace && behaviour.metadata.name === pod;
  }
  const selector: ObjectSelector = 'selector' in behaviour.spec ? (behaviour.spec.selector ?? {}) : {};
  return lists(selector.matchNamespaces, namespace) && lists(selector.matchNames, pod);
}

function lists(names: readonly string[] | undefined, name: string): boolean {
  return names === undefined || names.length === 0 || names.includes(name);
}

function isFor(
  rule: { readonly containers?: readonly string[] },
  request: { readonly container: string },
): boolean {
  return lists(rule.containers, request.container);
}

function matches(match: CommandMatch | undefined, command: readonly string[]): boolean {
  if (match === undefined) return true;
  if ('pattern' in match) return new RegExp(match.pattern).test(command.join(' '));
  const words = 'argv' in match ? match.argv : match.prefix;
  const length = 'argv' in match ? command.length : words.length;
  return words.length === length && words.every((word, index) => command[index] === word);
}

function checkPatterns(behaviour: Behaviour): void {
  if (behaviour.kind !== 'Exec' && behaviour.kind !== 'ClusterExec') return;
  for (const { match } of behaviour.spec.execs) {
    if (match === undefined || !('pattern' in match)) continue;
    try {
      new RegExp(match.pattern);
    } catch (cause) {
      const where = `${behaviour.kind} ${behaviour.metadata.name}`;
      throw new TunnelError('CONFIG_INVALID', `match.pattern: ${(cause as Error).message}`, { where, cause });
    }
  }
}
