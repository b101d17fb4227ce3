import { computed, signal } from '@preact/signals';
import type { JSX } from 'preact';
import { bytesText } from '../../observe/event-text.js';
import { familyOf } from '../model/hops.js';
import { type Ladder, type LadderHop, type LadderLane, type LadderMark, ladderOf } from '../model/ladder.js';
import { durationText } from '../model/timers.js';
import { evenTime, seek } from '../player.js';
import { mode, now, request, theJournal, version } from '../store.js';
import { Cross, Mark } from './marks.js';

/** Whether the time axis is to scale, or gives each step a place where it can be seen. */
export const scaleChoice = signal<boolean | undefined>(undefined);

const left = 168;
const right = 1016;
const laneY: Readonly<Record<LadderLane, number>> = { frontend: 40, server: 86, agent: 146, kubelet: 186 };
const networkY = 116;
const height = 232;

export const ladder = computed<Ladder | undefined>(() => {
  void version.value;
  return request.value === undefined ? undefined : ladderOf(theJournal(), request.value);
});

/** Without a choice, to scale where most steps can be told apart then. */
export const toScale = computed(() => {
  const shown = ladder.value;
  if (scaleChoice.value !== undefined || shown === undefined) return scaleChoice.value ?? true;
  const times = shown.hops.map(({ hop }) => hop.t);
  const gaps = times.slice(1).map((t, index) => t - (times[index] ?? t));
  const narrow = gaps.filter((gap) => (gap / (shown.end - shown.start)) * (right - left) < 7);
  return narrow.length < gaps.length * 0.6;
});

type Scale = (t: number) => number;

const scale = computed<Scale>(() => {
  const shown = ladder.value;
  if (shown === undefined) return () => left;
  const even = evenTime.value;
  const share: Scale =
    toScale.value || even === undefined || even.total === 0
      ? (t) => (t - shown.start) / (shown.end - shown.start)
      : (t) => even.place(t) / even.total;
  return (t) => left + Math.min(1, Math.max(0, share(t))) * (right - left);
});

/** The selected request: its packets over time. The axis is the scrubber. */
export function LadderView(): JSX.Element {
  const shown = ladder.value;
  if (shown === undefined)
    return <p class="empty">No request has crossed the tunnel yet. Press Run below, or use kubectl.</p>;
  return (
    <svg
      class="pic ladder-pic"
      id="ladder-svg"
      viewBox={`0 0 1040 ${height}`}
      role="img"
      aria-label={`Ladder of ${request.value?.id ?? ''}: ${shown.hops.length} packets in ${durationText(shown.end - shown.start)}. The same steps are in the table.`}
      onPointerDown={scrub}
      onPointerMove={(event) => event.buttons === 1 && scrub(event)}
    >
      <Past />
      <Phases ladder={shown} />
      <Lanes ladder={shown} />
      <Steps ladder={shown} />
      <Axis ladder={shown} />
      <Playhead />
    </svg>
  );
}

function scrub(event: PointerEvent & { readonly currentTarget: SVGSVGElement }): void {
  const shown = ladder.value;
  if (shown === undefined) return;
  const { left: start, width } = event.currentTarget.getBoundingClientRect();
  const x = ((event.clientX - start) / width) * 1040;
  if (x < left - 8) return;
  const share = Math.min(1, Math.max(0, (x - left) / (right - left)));
  const even = evenTime.value;
  seek(
    toScale.value || even === undefined
      ? shown.start + share * (shown.end - shown.start)
      : even.time(share * even.total),
  );
}

function Past(): JSX.Element | null {
  if (mode.value === 'live') return null;
  return (
    <rect class="past" x={left} y="24" width={Math.max(0, scale.value(now.value) - left)} height="172" />
  );
}

function Phases({ ladder: { phases } }: { readonly ladder: Ladder }): JSX.Element {
  const x = scale.value;
  return (
    <g>
      {phases.map((phase) => {
        const [from, to] = [x(phase.from), x(phase.to) - 2];
        const text = `${phase.text} ${durationText(phase.to - phase.from)}`;
        const room = Math.floor((to - from - 10) / 6.2);
        return (
          <g key={`${phase.from} ${phase.text}`}>
            <rect
              class={phase.bad ? 'phase bad' : 'phase'}
              x={from}
              y="2"
              width={Math.max(1, to - from)}
              height="18"
            />
            {room > 4 && (
              <text x={from + 5} y="15.5" class={phase.bad ? 'r b' : 's'}>
                {text.length <= room
                  ? text
                  : phase.text.length <= room
                    ? phase.text
                    : `${phase.text.slice(0, room - 1)}…`}
              </text>
            )}
          </g>
        );
      })}
    </g>
  );
}

export const laneTitles: Readonly<Record<LadderLane, string>> = {
  frontend: 'API server',
  server: 'proxy-server',
  agent: 'agent',
  kubelet: 'kubelet',
};

function Lanes({ ladder: { names } }: { readonly ladder: Ladder }): JSX.Element {
  const isClient = (request.value?.frontend ?? request.value?.node)?.startsWith('client/') === true;
  return (
    <g>
      {(Object.keys(laneY) as LadderLane[]).map((lane) => (
        <g key={lane}>
          <path class="lane" d={`M${left} ${laneY[lane]}H${right}`} />
          <text x="16" y={laneY[lane] + 4} class="b">
            {lane === 'frontend' && isClient ? 'client' : laneTitles[lane]}
          </text>
          <text x={left - 8} y={laneY[lane] + 4} class="e m s">
            {names[lane].length > 9 ? `${names[lane].slice(0, 8)}…` : names[lane]}
          </text>
        </g>
      ))}
      <path class="border" d={`M${left} ${networkY}H${right}`} />
      <text x="16" y={networkY + 4} class="s">
        network between
      </text>
    </g>
  );
}

/** Labels stand at the upper lane of a packet, where there is room for them. */
function Steps({ ladder: { hops, marks } }: { readonly ladder: Ladder }): JSX.Element {
  const x = scale.value;
  let free = left - 1;
  const labelled = new Set<LadderHop>();
  for (const hop of hops) {
    if (hop.from !== 'frontend' && hop.to !== 'frontend' && !hop.lost) continue;
    const at = labelX(hop, x);
    if (at < free || (at > right - 62 && !hop.lost)) continue;
    labelled.add(hop);
    free = at + Math.max(hop.hop.packet.length, 7) * 6.8 + 6;
  }
  return (
    <g>
      {hops.map((hop) => (
        <HopLine key={`${hop.passage.seq}`} hop={hop} isLabelled={labelled.has(hop)} />
      ))}
      <Dots marks={marks} />
    </g>
  );
}

const labelX = ({ hop, to }: LadderHop, x: Scale): number =>
  x(to === 'frontend' ? (hop.arrivedAt ?? hop.t) : hop.t) + 4;

function HopLine({
  hop: step,
  isLabelled,
}: {
  readonly hop: LadderHop;
  readonly isLabelled: boolean;
}): JSX.Element {
  const x = scale.value;
  const { hop, from, to, lost } = step;
  const isFuture = mode.value !== 'live' && hop.t > now.value;
  const [x1, y1, y2] = [x(hop.t), laneY[from], laneY[to]];
  const x2 = lost ? x1 + 14 : Math.max(x1 + 1, x(hop.arrivedAt ?? hop.t));
  const end = lost ? (y1 + y2) / 2 : y2;
  const tone = lost ? 'lostp' : familyOf(hop.packet);
  const crosses = from === 'agent' || to === 'agent';
  const isOwnSide = from === 'frontend' || to === 'frontend';
  return (
    <g class={isFuture ? 'fut' : ''}>
      <path class={`hop ${tone}`} d={`M${x1} ${y1}L${x2} ${end}`} />
      {crosses && (
        <Mark
          packet={hop.packet}
          x={(x1 + x2) / 2 + (lost ? 7 : 0)}
          y={lost ? end : (y1 + y2) / 2}
          r={4.5}
          lost={lost}
        />
      )}
      {!crosses && lost && <Cross x={x2} y={end} r={4} />}
      {isLabelled && <HopLabel step={step} x={labelX(step, x)} y={isOwnSide ? 54 : end - 4} />}
    </g>
  );
}

function HopLabel({
  step: { hop, lost },
  x,
  y,
}: {
  readonly step: LadderHop;
  readonly x: number;
  readonly y: number;
}): JSX.Element {
  const tone = lost ? 'lostp' : familyOf(hop.packet);
  const count = hop.count > 1 ? `×${hop.count} ` : '';
  const ids = hop.connectId === undefined ? `d:${(hop.dialId ?? '').slice(-4)}` : `c:${hop.connectId}`;
  return (
    <g>
      <text
        x={lost && x > right - 110 ? x - 2 : x + (lost ? 22 : 0)}
        y={y + (lost ? 8 : 0)}
        class={`m halo ${tone}${lost && x > right - 110 ? ' e' : ''}`}
      >
        {hop.packet}
        {lost ? ' lost' : ''}
      </text>
      {!lost && (
        <text x={x} y={y + 14} class={`m halo ${tone}`}>
          {hop.packet === 'DATA' ? `${count}${bytesText(hop.bytes)}` : ids}
        </text>
      )}
    </g>
  );
}

function Dots({ marks }: { readonly marks: readonly LadderMark[] }): JSX.Element {
  const x = scale.value;
  const free: Partial<Record<LadderLane, number>> = {};
  return (
    <g>
      {marks.map((mark) => {
        const at = x(mark.t);
        const y = laneY[mark.lane];
        const text = mark.text.length > 44 ? `${mark.text.slice(0, 43)}…` : mark.text;
        const width = text.length * 6.1;
        const start = at + width > right ? at - width - 8 : at + 8;
        const fits = mark.lane !== 'server' && start > (free[mark.lane] ?? left - 40);
        if (fits) free[mark.lane] = start + width + 8;
        const isFuture = mode.value !== 'live' && mark.t > now.value;
        return (
          <g key={mark.seq} class={isFuture ? 'fut' : ''}>
            {mark.bad ? (
              <Cross x={at} y={y} r={4} />
            ) : (
              <circle class={mark.text.startsWith('exit') ? 'dot0' : 'dot'} cx={at} cy={y} r="3.5" />
            )}
            {fits && (
              <text x={start} y={mark.lane === 'frontend' ? y - 4 : y + 14} class={mark.bad ? 'r b' : 's'}>
                {text}
              </text>
            )}
          </g>
        );
      })}
    </g>
  );
}

function Axis({ ladder: { start, end } }: { readonly ladder: Ladder }): JSX.Element {
  const x = scale.value;
  const ticks = toScale.value ? ticksOf(end - start) : [0, end - start];
  return (
    <g>
      <path class="tick" d={`M${left} 210H${right}`} />
      {ticks.map((tick) => (
        <g key={tick}>
          <path class="tick" d={`M${x(start + tick)} 210v5`} />
          <text x={x(start + tick)} y="227" class="c s">
            {durationText(tick)}
          </text>
        </g>
      ))}
      {!toScale.value && (
        <text x={(left + right) / 2} y="227" class="c s">
          not to scale: each step has its place
        </text>
      )}
    </g>
  );
}

function ticksOf(length: number): number[] {
  const rough = length / 8;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const each = ([1, 2, 5, 10].find((factor) => factor * unit >= rough) ?? 10) * unit;
  return Array.from({ length: Math.floor(length / each) + 1 }, (_, index) => index * each);
}

function Playhead(): JSX.Element | null {
  const shown = ladder.value;
  if (shown === undefined || mode.value === 'live') return null;
  const x = scale.value(now.value);
  const text = `+${durationText(Math.max(0, now.value - shown.start))}`;
  const width = text.length * 6.4 + 12;
  const at = Math.min(1036 - width / 2, x);
  return (
    <g>
      <path class="head" d={`M${x} 24V210`} />
      <rect class="headk" x={at - width / 2} y="202" width={width} height="16" rx="8" />
      <text x={at} y="214" class="c headt b">
        {text}
      </text>
    </g>
  );
}
