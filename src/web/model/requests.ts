import type { LabEvent, RequestEvent } from '../../core/events.js';
import { roleOf } from './state.js';

/** A request of a user that goes through the tunnel: exec, logs, port-forward, a webhook. */
export interface RequestState {
  readonly id: string;
  readonly verb: string;
  /** `web-1`, without namespace where it is `default`. */
  readonly target: string;
  /** Who asked: `client/lab`, or the API server that a client asked. */
  readonly node: string;
  readonly start: number;
  readonly startSeq: number;
  readonly end?: number;
  readonly outcome: 'open' | 'done' | 'failed';
  readonly exitCode?: number;
  readonly error?: string;
  readonly code?: string;
  /** Of its last dial. */
  readonly agent?: string;
  readonly server?: string;
  readonly frontend?: string;
  readonly dials: number;
}

const verbs = new Set(['exec', 'attach', 'logs', 'log', 'portforward', 'port-forward', 'run', 'proxy']);

/** The requests of the journal, newest last. Only those that dial, or that are made to cross the tunnel. */
export class RequestIndex {
  private readonly all = new Map<string, RequestState>();

  add(event: LabEvent): void {
    const { request: id, node, kind } = event;
    if (id === undefined) return;
    const earlier = this.all.get(id);
    if (kind === 'request.started' && earlier === undefined) this.all.set(id, started(id, event));
    else if (earlier !== undefined) this.all.set(id, changed(earlier, event, node));
    else if (kind === 'dial.started' && roleOf(node) !== 'server')
      this.all.set(id, changed(unnamed(id, event), event, node));
  }

  /** Those that crossed, or tried to, or are made to. */
  list(): RequestState[] {
    return [...this.all.values()].filter(({ dials, verb }) => dials > 0 || verbs.has(verb));
  }

  get(id: string | undefined): RequestState | undefined {
    return id === undefined ? undefined : this.all.get(id);
  }
}

type Started = RequestEvent & { readonly seq: number; readonly t: number };

function started(id: string, event: Started): RequestState {
  const { verb = 'request', path = '', node, t, seq } = event;
  return {
    id,
    verb,
    target: targetOf(path),
    node,
    start: t,
    startSeq: seq,
    outcome: 'open',
    dials: 0,
  };
}

function unnamed(id: string, { node, t, seq }: LabEvent): RequestState {
  return { id, verb: 'dial', target: '', node, start: t, startSeq: seq, outcome: 'open', dials: 0 };
}

function targetOf(path: string): string {
  const pod = /\/namespaces\/([^/]+)\/pods\/([^/?]+)/.exec(path);
  const [namespace = '', name = path] = pod === null ? path.split('/') : [pod[1], pod[2]];
  return namespace === 'default' || namespace === '' ? name : `${namespace}/${name}`;
}

function changed(request: RequestState, event: LabEvent, node: string): RequestState {
  switch (event.kind) {
    case 'dial.started':
      if (roleOf(node) === 'server')
        return { ...request, server: node, ...(event.peer === undefined ? {} : { agent: event.peer }) };
      return { ...request, frontend: node, dials: request.dials + 1 };
    case 'request.finished':
    case 'request.failed': {
      if (node !== request.node) return request;
      const { exitCode, error, code } = event;
      return {
        ...request,
        end: event.t,
        outcome: event.kind === 'request.failed' ? 'failed' : 'done',
        ...(exitCode === undefined ? {} : { exitCode }),
        ...(error === undefined ? {} : { error }),
        ...(code === undefined ? {} : { code }),
      };
    }
    case 'connection.closed':
      // The close is the last that is seen of a request.
      return node === request.frontend && request.end !== undefined
        ? { ...request, end: Math.max(request.end, event.t) }
        : request;
    default:
      return request;
  }
}

/** `exec web-1` */
export const titleOf = ({ verb, target }: RequestState): string => `${verb} ${target}`.trim();

/** `exit 7`, `done`, or the error. */
export function resultOf({ outcome, exitCode, error }: RequestState): string {
  if (outcome === 'open') return 'under way';
  if (outcome === 'failed') return error ?? 'failed';
  return exitCode === undefined ? 'done' : `exit ${exitCode}`;
}
