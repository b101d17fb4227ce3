import type { Writable } from 'node:stream';
import type { EventBody, FaultEvent, FlowEvent, LabEvent } from '../core/events.js';
import { eventText } from './event-text.js';

/** From most to least important. */
export const logLevels = ['error', 'warn', 'info', 'debug', 'trace'] as const;
export type LogLevel = (typeof logLevels)[number];

export interface EventLogOptions {
  /** `text`: one line for people; `json`: one pino record with all fields of the event. */
  readonly format: 'text' | 'json';
  /** The least important level written. Packets are `debug`, DATA is `trace`. Default `info`. */
  readonly level?: LogLevel;
  readonly destination: Writable;
}

/** Writes an event when its level is at least the chosen one. Fits `Journal.subscribe`. */
export type EventLog = (event: LabEvent) => void;

/** Opens a log of events. The caller owns the destination and handles its `error` event. */
export async function createEventLog(options: EventLogOptions): Promise<EventLog> {
  const { destination, level = 'info' } = options;
  const wanted = new Set<LogLevel>(logLevels.slice(0, logLevels.indexOf(level) + 1));
  const write = options.format === 'json' ? await jsonWriter(destination) : textWriter(destination);
  return (event) => {
    const own = levelOf(event);
    if (wanted.has(own)) write(own, event);
  };
}

type EventWriter = (level: LogLevel, event: LabEvent) => void;

/** pino is loaded only for JSON. `scope` is the role, for filters. */
async function jsonWriter(destination: Writable): Promise<EventWriter> {
  const { pino } = await import('pino');
  const log = pino(
    { level: 'trace', base: null, formatters: { level: (label) => ({ level: label }) } },
    destination,
  );
  return (level, event) => log[level]({ scope: event.node.split('/')[0], ...event }, eventText(event));
}

function textWriter(destination: Writable): EventWriter {
  return (level, event) => {
    const time = `${event.t.toFixed(1).padStart(9)} ms`;
    destination.write(`${time}  ${level.toUpperCase().padEnd(5)}  ${eventText(event)}\n`);
  };
}

/** The level of an event, for a user who watches a healthy lab. */
export function levelOf(event: EventBody): LogLevel {
  if (event.kind === 'packet') return event.packet === 'DATA' ? 'trace' : 'debug';
  if (isOfNetwork(event)) return networkLevels[event.kind];
  switch (event.kind) {
    case 'dial.failed':
    case 'request.failed':
    case 'endpoint.failed':
    case 'connection.stale':
    case 'role.killed':
    case 'agent.retry':
    case 'peer.refused':
    case 'lease.failed':
    case 'certificates.rejected':
    case 'store.lost':
    case 'watch.broken':
    case 'watch.relisted':
      return 'warn';
    case 'agent.disconnected':
    case 'backend.disconnected':
      return event.error === undefined ? 'info' : 'warn';
    case 'lab.ready':
    case 'lab.stopped':
    case 'role.started':
    case 'role.stopped':
    case 'agent.connected':
    case 'apiserver.leaving':
    case 'apiservers.resized':
    case 'apiservers.moved':
    case 'store.connected':
    case 'watch.resumed':
    case 'servers.counted':
    case 'lease.acquired':
    case 'lease.released':
    case 'lease.collected':
    case 'agent.draining':
    case 'backend.connected':
    case 'backend.draining':
    case 'certificates.renewed':
    case 'request.started':
    case 'request.finished':
    case 'command.left':
    case 'command.ended':
      return 'info';
    case 'agent.connecting':
    case 'frontend.opened':
    case 'frontend.closed':
    case 'dial.started':
    case 'dial.established':
    case 'connection.closed':
    case 'connection.reused':
    case 'endpoint.dialing':
    case 'endpoint.connected':
    case 'endpoint.closed':
      return 'debug';
  }
}

const isOfNetwork = (event: EventBody): event is FlowEvent | FaultEvent => /^(flow|fault)\./.test(event.kind);

const networkLevels = {
  'flow.opened': 'debug',
  'flow.refused': 'warn',
  'flow.forgotten': 'warn',
  'flow.lost': 'warn',
  'flow.closed': 'debug',
  'fault.set': 'info',
  'fault.hit': 'warn',
  'fault.healed': 'info',
} as const satisfies Record<(FlowEvent | FaultEvent)['kind'], LogLevel>;
