import type { JSX } from 'preact';
import { bytesText } from '../../observe/event-text.js';
import { familyOf, isLost, type Passage } from '../model/hops.js';
import { columns, type MapLayout, pointOn, wayOf } from '../model/layout.js';
import { reducedMotion } from '../player.js';
import { mode, now, request, theJournal, version } from '../store.js';
import { LostMark, Mark } from './marks.js';

/** So many are drawn one by one; what is beyond is a number. */
const mostDrawn = 200;
/** How far back a packet can have been sent that is still under way. */
const lookBack = 4000;

/** Packets that are under way at the moment that is shown, and those of the selected request that were lost. */
export function MapPackets({ layout }: { readonly layout: MapLayout }): JSX.Element | null {
  void version.value;
  const t = now.value;
  if (mode.value === 'live' && reducedMotion.value) return null;
  const { flying, lost } = packetsAt(t);
  const shown = flying.slice(0, mostDrawn);
  return (
    <g aria-hidden="true">
      {shown.map((passage) => (
        <Flying key={passage.seq} passage={passage} layout={layout} t={t} />
      ))}
      {lost.map((passage) => (
        <Lost key={`lost ${passage.seq}`} passage={passage} layout={layout} />
      ))}
      {flying.length > mostDrawn && (
        <text x="596" y={layout.height - 20} class="c b">
          and {flying.length - mostDrawn} more packets
        </text>
      )}
    </g>
  );
}

function packetsAt(t: number): { readonly flying: Passage[]; readonly lost: Passage[] } {
  const journal = theJournal();
  const { list } = journal.passages;
  const last = firstAfter(list, t);
  const picked = request.value;
  const isShown = picked !== undefined && (picked.end === undefined || t <= picked.end + 1);
  const [flying, lost]: [Passage[], Passage[]] = [[], []];
  for (let index = last - 1; index >= Math.max(0, last - lookBack); index -= 1) {
    const passage = list[index];
    if (passage === undefined) continue;
    const { arrivedAt } = passage.hop;
    if (arrivedAt !== undefined && arrivedAt > passage.hop.t && arrivedAt > t) flying.push(passage);
    else if (isShown && passage.request === picked.id && isLost(passage, journal.end, journal.reporting))
      lost.push(passage);
  }
  return { flying, lost };
}

function firstAfter(list: readonly Passage[], t: number): number {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((list[middle]?.hop.t ?? 0) <= t) low = middle + 1;
    else high = middle;
  }
  return low;
}

function Flying({
  passage,
  layout,
  t,
}: {
  readonly passage: Passage;
  readonly layout: MapLayout;
  readonly t: number;
}): JSX.Element | null {
  const { hop, from, to } = passage;
  const way = wayOf(layout, from, to);
  if (way === undefined || hop.arrivedAt === undefined) return null;
  const [x, y] = pointOn(way, (t - hop.t) / (hop.arrivedAt - hop.t));
  const own = passage.request !== undefined && passage.request === request.value?.id;
  return (
    <g>
      <Mark packet={hop.packet} x={x} y={y} r={own ? 8 : 5} />
      {own && <Label passage={passage} x={x} y={y} />}
    </g>
  );
}

/** The name of a packet and what it carries: above and below. */
function Label({
  passage,
  x,
  y,
}: {
  readonly passage: Passage;
  readonly x: number;
  readonly y: number;
}): JSX.Element {
  const { hop } = passage;
  const below = detailOf(passage);
  const half = Math.max(hop.packet.length, below.length) * 3.5 + 5;
  const at = Math.min(1036 - half, Math.max(half + 4, x));
  // Over the row of a flow it would hide the words of the row.
  const isOnRow = x > columns.device.x - half && x < columns.device.x + columns.device.w + half;
  const away = isOnRow ? 10 : 0;
  return (
    <g>
      <text x={at} y={y - 16 - away} class={`c m b halo ${familyOf(hop.packet)}`}>
        {hop.packet}
      </text>
      <text x={at} y={y + 24 + away} class={`c m b halo ${familyOf(hop.packet)}`}>
        {below}
      </text>
    </g>
  );
}

export function detailOf({ hop }: Passage): string {
  if (hop.packet === 'DATA') return `c:${hop.connectId ?? '?'} ${bytesText(hop.bytes)}`;
  if (hop.connectId !== undefined) return `c:${hop.connectId}`;
  return hop.dialId === undefined ? '' : `d:${hop.dialId.slice(-4)}`;
}

/** Where it was lost: at the hole in the network, else before its end. */
function Lost({
  passage,
  layout,
}: {
  readonly passage: Passage;
  readonly layout: MapLayout;
}): JSX.Element | null {
  const way = wayOf(layout, passage.from, passage.to);
  if (way === undefined) return null;
  const isOutside = passage.from.startsWith('agent/') || passage.to.startsWith('agent/');
  const end = pointOn(way, 0.5);
  const y = pointOn(way, passage.from.startsWith('agent/') ? 0.05 : 0.95)[1];
  const [x, at] = isOutside ? [columns.device.x - 26, y] : end;
  return (
    <g>
      <LostMark x={x} y={at} r={9} />
      <text x={x} y={at - 18} class="c m halo lostp">
        {passage.hop.packet} lost
      </text>
    </g>
  );
}
