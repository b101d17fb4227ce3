import type { Writable } from 'node:stream';
import type { EventBody, EventKind, LabEvent } from '../core/events.js';
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

/** The levels of events, for a user who watches a healthy lab. Packets have their own rule. */
const levels: Readonly<Record<Exclude<EventKind, 'packet'>, LogLevel>> = {
  'dial.failed': 'warn',
  'request.failed': 'warn',
  'endpoint.failed': 'warn',
  'connection.stale': 'warn',
  'role.killed': 'warn',
  'agent.retry': 'warn',
  'peer.refused': 'warn',
  'lease.failed': 'warn',
  'certificates.rejected': 'warn',
  'store.lost': 'warn',
  'watch.broken': 'warn',
  'watch.relisted': 'warn',
  'flow.refused': 'warn',
  'flow.forgotten': 'warn',
  'flow.lost': 'warn',
  'fault.hit': 'warn',
  'webhook.failed': 'warn',
  'agent.disconnected': 'info',
  'backend.disconnected': 'info',
  'fault.set': 'info',
  'fault.healed': 'info',
  'lab.ready': 'info',
  'lab.stopped': 'info',
  'role.started': 'info',
  'role.stopped': 'info',
  'agent.connected': 'info',
  'apiserver.leaving': 'info',
  'apiservers.resized': 'info',
  'apiservers.moved': 'info',
  'store.connected': 'info',
  'watch.started': 'debug',
  'watch.resumed': 'info',
  'servers.counted': 'info',
  'lease.acquired': 'info',
  'lease.released': 'info',
  'lease.collected': 'info',
  'agent.draining': 'info',
  'backend.connected': 'info',
  'backend.draining': 'info',
  'certificates.renewed': 'info',
  'request.started': 'info',
  'request.finished': 'info',
  'command.left': 'info',
  'command.ended': 'info',
  'agent.connecting': 'debug',
  'frontend.opened': 'debug',
  'frontend.closed': 'debug',
  'dial.started': 'debug',
  'dial.established': 'debug',
  'connection.closed': 'debug',
  'connection.reused': 'debug',
  'endpoint.dialing': 'debug',
  'endpoint.connected': 'debug',
  'endpoint.closed': 'debug',
  'ping.unanswered': 'warn',
  'ping.sent': 'debug',
  'ping.answered': 'debug',
  'flow.opened': 'debug',
  'flow.closed': 'debug',
  'webhook.answered': 'debug',
};

/** The level of an event. A connection that ends in order is no warning. */
export function levelOf(event: EventBody): LogLevel {
  if (event.kind === 'packet') return event.packet === 'DATA' ? 'trace' : 'debug';
  const isLoss = event.kind === 'agent.disconnected' || event.kind === 'backend.disconnected';
  return isLoss && event.error !== undefined ? 'warn' : levels[event.kind];
}
