import type { JSX } from 'preact';
import type { PacketName } from '../../core/events.js';
import { familyOf } from '../model/hops.js';

interface MarkProps {
  readonly packet: PacketName;
  readonly x?: number;
  readonly y?: number;
  readonly r?: number;
  readonly lost?: boolean;
}

/** The mark of a packet: shape is the phase, filling is the direction of the talk. The same in all views. */
export function Mark({ packet, x = 0, y = 0, r = 5, lost = false }: MarkProps): JSX.Element {
  if (lost) return <LostMark x={x} y={y} r={r + 1} />;
  const tone = `g ${familyOf(packet)}`;
  const filled = packet === 'DIAL_RSP' || packet === 'DATA' || packet === 'CLOSE_RSP' ? ' f' : '';
  switch (familyOf(packet)) {
    case 'dial':
      return (
        <path
          class={tone + filled}
          d={`M${x} ${y - r - 1}l${r + 1} ${r + 1}l${-r - 1} ${r + 1}l${-r - 1} ${-r - 1}z`}
        />
      );
    case 'data':
      return <circle class={tone + filled} cx={x} cy={y} r={r - 1} />;
    case 'drain':
      return <path class={`${tone} f`} d={`M${x - r} ${y - r + 1}h${2 * r}l${-r} ${2 * r - 2}z`} />;
    case 'close':
      if (packet === 'DIAL_CLS')
        return (
          <path
            class="g dial"
            d={`M${x} ${y - r - 1}l${r + 1} ${r + 1}l${-r - 1} ${r + 1}l${-r - 1} ${-r - 1}zM${x - r - 1} ${y}h${2 * r + 2}`}
          />
        );
      return <rect class={tone + filled} x={x - r + 1} y={y - r + 1} width={2 * r - 2} height={2 * r - 2} />;
  }
}

export function LostMark({
  x,
  y,
  r,
}: {
  readonly x: number;
  readonly y: number;
  readonly r: number;
}): JSX.Element {
  return (
    <g>
      <circle class="g lostp" cx={x} cy={y} r={r} />
      <Cross x={x} y={y} r={r / 2} />
    </g>
  );
}

export function Cross({
  x,
  y,
  r,
}: {
  readonly x: number;
  readonly y: number;
  readonly r: number;
}): JSX.Element {
  return <path class="xx" d={`M${x - r} ${y - r}l${2 * r} ${2 * r}m0 ${-2 * r}l${-2 * r} ${2 * r}`} />;
}

/** A mark in a line of text. */
export function InlineMark({
  packet,
  lost = false,
}: {
  readonly packet: PacketName;
  readonly lost?: boolean;
}): JSX.Element {
  return (
    <svg class="gi" viewBox="-7 -7 14 14" aria-hidden="true">
      <Mark packet={packet} lost={lost} />
    </svg>
  );
}

const legend: readonly PacketName[] = ['DIAL_REQ', 'DIAL_RSP', 'DATA', 'CLOSE_REQ', 'CLOSE_RSP'];

export function Legend(): JSX.Element {
  return (
    <ul class="legend" aria-label="Legend">
      {legend.map((packet) => (
        <li key={packet}>
          <InlineMark packet={packet} />
          {packet}
        </li>
      ))}
      <li>
        <InlineMark packet="DATA" lost />
        lost
      </li>
      <li>
        <svg class="gi" viewBox="-7 -7 14 14" aria-hidden="true">
          <circle class="dot" r="4" />
        </svg>
        end believes: open
      </li>
      <li>
        <svg class="gi" viewBox="-7 -7 14 14" aria-hidden="true">
          <path d="M-5 0l8 -5v10z" class="ah hot" />
        </svg>
        arrow: from who dialled
      </li>
    </ul>
  );
}
