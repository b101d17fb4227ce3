import type { JSX } from 'preact';
import type { LabEvent } from '../../core/events.js';
import { bytesText } from '../../observe/event-text.js';
import { familyOf } from '../model/hops.js';
import { InlineMark } from './marks.js';

const bad = /\.(killed|failed|forgotten|lost|refused|rejected|stale|broken)$/;

/** True for an event that says that something was lost, failed or gone. */
export const isBad = ({ kind }: LabEvent): boolean => bad.test(kind);

/** What an event says, short: for one line. */
export function What({ event }: { readonly event: LabEvent }): JSX.Element {
  if (event.kind === 'packet') {
    const ids =
      event.connectId === undefined ? `d:${(event.dialId ?? '').slice(-4)}` : `c:${event.connectId}`;
    return (
      <>
        <InlineMark packet={event.packet} /> <span class={familyOf(event.packet)}>{event.packet}</span> {ids}{' '}
        {event.bytes > 0 ? bytesText(event.bytes) : ''}
      </>
    );
  }
  const { kind, error, text, verb, address, code, exitCode } = event as LabEvent &
    Readonly<Record<string, string | undefined>>;
  const rest = [
    verb,
    code,
    exitCode === undefined ? undefined : `exit ${exitCode}`,
    error ?? text ?? address,
  ];
  return (
    <>
      {isBad(event) && <b class="red">✕ </b>}
      {kind} <span class="soft">{rest.filter((part) => part !== undefined).join(' ')}</span>
    </>
  );
}

/** Who says it, and of whom. */
export function whoText({ node, peer, kind, ...event }: LabEvent): string {
  if (kind.startsWith('flow.')) return 'network';
  if (kind !== 'packet') return shortNode(node);
  const arrow = 'dir' in event && event.dir === 'out' ? '→' : '←';
  return `${shortNode(node)} ${arrow} ${shortNode(peer ?? '')}`;
}

function shortNode(id: string): string {
  const [role = '', ...rest] = id.split('/');
  const name = rest.join('/');
  if (role === 'apiserver') return name === 'main' ? 'API server' : name;
  if (role === 'client') return 'client';
  if (role === 'server') return name;
  if (role === 'agent') return name;
  if (role === 'container') return rest[1] ?? name;
  return role === 'kubelet' ? `kubelet ${name}` : name;
}
