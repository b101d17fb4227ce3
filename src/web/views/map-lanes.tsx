import type { JSX } from 'preact';
import { agentWire, columns, type Lane, type MapLayout, pathOf } from '../model/layout.js';
import { type Belief, isOpen, isZombie, nameOf, type State } from '../model/state.js';
import { ailment, ailmentClass, deviceOf, durationText, idleLeft } from '../model/timers.js';
import { state as shown } from '../store.js';
import type { Route } from './map.js';
import { Cross } from './marks.js';

interface LanesProps {
  readonly layout: MapLayout;
  readonly state: State;
  readonly route: Route;
  readonly nowMs: number;
}

/** The connections that agents opened: their wires, their rows in the network between, and what each end believes. */
export function MapLanes({ layout, state, route, nowMs }: LanesProps): JSX.Element {
  const { device, servers, lanes } = layout;
  const words = deviceWords(lanes, state);
  const isBalanced = [...state.parts.keys()].includes('middlebox/servers') || servers.length > 1;
  const hits = lanes.filter(({ tunnel }) => tunnel.cut !== undefined).length;
  return (
    <g>
      {servers.map((server) => (
        <ServerBox
          key={server.id}
          server={server}
          indent={servers.length > 1 ? 26 : 12}
          on={route.server === server.id}
        />
      ))}
      <rect class="box2" x={device.x} y={device.y} width={device.w} height={device.h} rx="4" />
      <text x={device.x + 12} y={device.y + 21} class="b">
        {isBalanced ? 'balancer' : words.length > 0 ? 'middlebox' : 'network'}
      </text>
      {!layout.compact && (
        <text x={device.x + 12} y={device.y + 38} class="s">
          {words.length > 1 ? `${words.length} faults on it` : (words[0] ?? 'passes everything')}
        </text>
      )}
      {layout.compact && words.length > 0 && (
        <text x={device.x + device.w - 8} y={device.y + 21} class="s e">
          {words.length > 1 ? `${words.length} faults on it` : words[0]}
        </text>
      )}
      {hits > 0 && !layout.compact && (
        <text x={device.x + 12} y={device.y + device.h - 14} class="s">
          {lanes.length} flows, {hits} forgotten
        </text>
      )}
      {lanes.map((lane) => (
        <LaneView
          key={`${lane.tunnel.agent} ${lane.tunnel.server}`}
          lane={lane}
          layout={layout}
          state={state}
          route={route}
          nowMs={nowMs}
        />
      ))}
    </g>
  );
}

function deviceWords(lanes: readonly Lane[], state: State): string[] {
  return [...new Set(lanes.flatMap(({ tunnel }) => deviceOf(state, tunnel).words))];
}

interface ServerProps {
  readonly server: MapLayout['servers'][number];
  readonly indent: number;
  readonly on: boolean;
}

function ServerBox({ server, indent, on }: ServerProps): JSX.Element {
  const { id, x, y, w, h } = server;
  const is = ailment(shown.value, id);
  return (
    <g>
      <rect class={`box${on ? ' onb' : ''}${ailmentClass(is)}`} x={x} y={y} width={w} height={h} rx="4" />
      <text x={x + indent} y={y + 21} class="b">
        proxy-server
      </text>
      <text x={x + indent} y={y + 38} class={is === undefined ? 'm s' : 'r b'}>
        {is ?? nameOf(id)}
      </text>
    </g>
  );
}

interface LaneProps extends LanesProps {
  readonly lane: Lane;
}

function LaneView({ lane, layout, state, route, nowMs }: LaneProps): JSX.Element {
  const { tunnel } = lane;
  const on = route.agent === tunnel.agent && route.server === tunnel.server;
  const zombie = isZombie(tunnel, state);
  const believed = isOpen(tunnel.atAgent) || isOpen(tunnel.atServer);
  const connecting = tunnel.atAgent?.is === 'connecting';
  if (!believed && !connecting && tunnel.cut === undefined)
    return <Ends lane={lane} state={state} on={on} zombie={false} nowMs={nowMs} />;
  const tone = zombie ? 'dead' : on ? 'hot' : '';
  return (
    <g>
      {on && <path class="route" d={pathOf(agentWire(lane))} />}
      {on && <Choice lane={lane} layout={layout} route={route} />}
      <path class={`wire ${tone}`} d={pathOf(agentWire(lane))} />
      <path class={`ah ${tone}`} d={`M${columns.server.x + columns.server.w} ${lane.serverY}l9 -5v10z`} />
      <path class={`ah ${tone}`} d={`M${columns.device.x + columns.device.w} ${lane.agentY}l9 -5v10z`} />
      <Row lane={lane} layout={layout} state={state} on={on} nowMs={nowMs} />
      <Ends lane={lane} state={state} on={on} zombie={zombie} nowMs={nowMs} />
    </g>
  );
}

/** Inside the server: from where the request came in to the connection that was chosen. */
function Choice({
  lane,
  layout,
  route,
}: {
  readonly lane: Lane;
  readonly layout: MapLayout;
  readonly route: Route;
}): JSX.Element | null {
  const front = layout.frontends.find(({ id }) => id === route.frontend);
  const server = layout.servers.find(({ id }) => id === route.server);
  if (front === undefined || server === undefined) return null;
  const x = server.x;
  const from = layout.servers.length === 1 ? front.y + front.h / 2 : server.y + 22;
  const below = lane.serverY > from;
  const to = lane.serverY + (below ? -14 : 14);
  if (Math.abs(lane.serverY - from) < 14) return null;
  const turn = x + (layout.servers.length === 1 ? 18 : 14);
  const way = `M${x} ${from}H${turn}V${to}`;
  return (
    <g>
      <path class="route" d={way} />
      <path class="wire hot" d={way} />
      <path class="ah hot" d={`M${turn} ${to}l-5 ${below ? -9 : 9}h10z`} />
    </g>
  );
}

/** The row of a flow: the piece of wire between two ends. */
function Row({
  lane,
  layout,
  state,
  on,
  nowMs,
}: Omit<LaneProps, 'route'> & { readonly on: boolean }): JSX.Element {
  const { tunnel, agentY: y } = lane;
  const { device } = layout;
  const view = deviceOf(state, tunnel);
  const left = idleLeft(tunnel, view, nowMs);
  const name = `${nameOf(tunnel.agent)} → ${nameOf(tunnel.server)}`;
  const { cut } = tunnel;
  const small = layout.compact || layout.servers.length > 1;
  const half = small ? 13 : 20;
  const gone =
    cut === undefined ? '' : `${cut.verdict === 'drop' ? 'forgotten' : cut.verdict} ${ago(nowMs - cut.at)}`;
  const words = cut === undefined ? rowWords(left, view.words) : gone;
  return (
    <g>
      <rect
        class={`row${cut === undefined ? (on ? ' on' : '') : ' gone'}`}
        x={device.x}
        y={y - half}
        width={device.w}
        height={half * 2}
      />
      <Ring x={device.x + 22} y={y} r={small ? 8 : 11} share={left?.share} cut={cut !== undefined} />
      {small ? (
        <text x={device.x + 40} y={y + 4} class={cut === undefined ? '' : 'r b'}>
          {cut === undefined
            ? left === undefined
              ? name
              : `${nameOf(tunnel.agent)}: ${words}`
            : `${nameOf(tunnel.agent)}: ${gone}`}
        </text>
      ) : (
        <g>
          <text x={device.x + 44} y={y - 4} class="b">
            {name}
          </text>
          <text x={device.x + 44} y={y + 12} class={cut === undefined ? 's' : 'r b'}>
            {words}
          </text>
        </g>
      )}
    </g>
  );
}

function rowWords(left: ReturnType<typeof idleLeft>, words: readonly string[]): string {
  if (left === undefined) return words[0] ?? 'open';
  return `${Math.ceil(left.leftMs / 1000)} s left`;
}

/** The timer of a flow, which empties clockwise. */
function Ring({
  x,
  y,
  r,
  share,
  cut,
}: {
  readonly x: number;
  readonly y: number;
  readonly r: number;
  readonly share: number | undefined;
  readonly cut: boolean;
}): JSX.Element {
  if (cut)
    return (
      <g>
        <circle class="ring0" cx={x} cy={y} r={r} />
        <Cross x={x} y={y} r={r / 2.6} />
      </g>
    );
  if (share === undefined) return <circle class="dot" cx={x} cy={y} r={r / 2.6} />;
  const around = 2 * Math.PI * r;
  return (
    <g>
      <circle class="ringbg" cx={x} cy={y} r={r} />
      <circle
        class="ring"
        cx={x}
        cy={y}
        r={r}
        stroke-dasharray={`${share * around} ${around}`}
        transform={`rotate(-90 ${x} ${y})`}
      />
    </g>
  );
}

/** What the server and the agent believe, as chips at their ends. */
function Ends({
  lane,
  on,
  zombie,
  nowMs,
  state,
}: {
  readonly lane: Lane;
  readonly on: boolean;
  readonly zombie: boolean;
  readonly nowMs: number;
  readonly state: State;
}): JSX.Element {
  const { tunnel } = lane;
  const isDead = state.parts.get(tunnel.agent)?.state === 'killed';
  return (
    <g>
      <Chip
        x={columns.server.x + 6}
        y={lane.serverY}
        belief={tunnel.atServer}
        on={on}
        zombie={zombie && isOpen(tunnel.atServer)}
        nowMs={nowMs}
        name={nameOf(tunnel.agent)}
      />
      {!isDead && (
        <Chip
          x={columns.agent.x + 4}
          y={lane.agentY}
          belief={tunnel.atAgent}
          on={on}
          zombie={zombie && isOpen(tunnel.atAgent)}
          nowMs={nowMs}
          name={undefined}
        />
      )}
    </g>
  );
}

interface ChipProps {
  readonly x: number;
  readonly y: number;
  readonly belief: Belief | undefined;
  readonly on: boolean;
  readonly zombie: boolean;
  readonly nowMs: number;
  readonly name: string | undefined;
}

function Chip({ x, y, belief, on, zombie, nowMs, name }: ChipProps): JSX.Element | null {
  if (belief === undefined) return null;
  const open = isOpen(belief);
  const words = beliefText(belief, nowMs);
  return (
    <g>
      <rect
        class={`chip${zombie ? ' z' : on && open ? ' on' : ''}${open ? '' : ' off'}`}
        x={x}
        y={y - 12}
        width={name === undefined ? 108 : 112}
        height="24"
        rx="12"
      />
      <circle class={open ? 'dot' : 'dot0'} cx={x + 12} cy={y} r="4" />
      <text x={x + 22} y={y + 4.5} class={open ? 'b' : 's'}>
        {name === undefined ? words : `${name} ${open ? short(belief, nowMs) : belief.is}`}
      </text>
    </g>
  );
}

function beliefText(belief: Belief, nowMs: number): string {
  if (belief.is === 'connecting') return 'connecting';
  if (belief.is === 'draining') return 'draining';
  return belief.is === 'open' ? `open ${short(belief, nowMs)}` : `gone ${short(belief, nowMs)}`;
}

function short({ since }: Belief, nowMs: number): string {
  const seconds = Math.max(0, Math.round((nowMs - since) / 1000));
  return seconds < 600
    ? `${seconds} s`
    : durationText(Math.round(seconds / 60) * 60_000).replace(
        /^(\d+) s$/,
        (_, s: string) => `${Math.round(Number(s) / 60)} min`,
      );
}

const ago = (ms: number): string =>
  ms < 1000 ? 'just now' : `${durationText(Math.round(ms / 1000) * 1000)} ago`;
