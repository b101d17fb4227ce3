import type { EventBody } from '../core/events.js';

/** Fields that have a fixed place in the line. */
const placed = new Set(['kind', 'node', 'peer', 'seq', 't', 'text', 'dir', 'packet', 'bytes']);

/** One event as one line for people: `agent/node-1 → server/server-1  DATA 512 B  connectId=1`. */
export function eventText(event: EventBody): string {
  let line = `${route(event)}  ${title(event)}`;
  if (event.text !== undefined) line += `  ${printable(event.text)}`;
  for (const [field, value] of Object.entries(event)) {
    if (!placed.has(field) && value !== undefined) line += `  ${field}=${fieldText(value)}`;
  }
  return line;
}

function route(event: EventBody): string {
  if (event.peer === undefined) return event.node;
  const arrow = event.kind !== 'packet' ? '·' : event.dir === 'out' ? '→' : '←';
  return `${event.node} ${arrow} ${event.peer}`;
}

function title(event: EventBody): string {
  if (event.kind !== 'packet') return event.kind;
  return event.packet === 'DATA' ? `DATA ${bytesText(event.bytes)}` : event.packet;
}

function fieldText(value: unknown): string {
  const text = printable(typeof value === 'number' ? String(Math.round(value * 10) / 10) : String(value));
  return /\s/.test(text) ? JSON.stringify(text) : text;
}

const control = /\p{Cc}/u;

/** Removes control characters, which could change a terminal, from text of unknown origin. */
export function printable(text: string): string {
  // Nearly all texts have none, and a search costs less than a replacement.
  return (control.test(text) ? text.replace(/\p{Cc}+/gu, ' ') : text).trim();
}

/** `512 B`, `14.2 kB`, `3.1 MB`: decimal units, at most four digits. */
export function bytesText(sizeBytes: number): string {
  if (sizeBytes < 1000) return `${sizeBytes} B`;
  if (sizeBytes < 999_950) return `${(sizeBytes / 1000).toFixed(1)} kB`;
  return `${(sizeBytes / 1_000_000).toFixed(1)} MB`;
}
