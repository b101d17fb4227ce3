import type { JSX } from 'preact';
import { isLost, type Passage } from '../model/hops.js';
import { isOpen, isZombie, nameOf, roleOf, type State, type Tunnel } from '../model/state.js';
import { ailment, ailmentClass, deviceOf } from '../model/timers.js';
import { now, request, second, state, theJournal, version } from '../store.js';
import type { Route } from './map.js';
import { LostMark, Mark } from './marks.js';

/** So many connections have a column each; more are told in words. */
const mostColumns = 2;

/** The same map from top to bottom, for a narrow screen: control plane, network, nodes. */
export function PhoneMap({ route }: { readonly route: Route }): JSX.Element {
  const shown = state.value;
  const all = [...shown.tunnels.values()];
  const troubled = all.filter((tunnel) => isZombie(tunnel, shown) || tunnel.agent === route.agent);
  const lanes = [...new Set([...troubled, ...all])].slice(0, mostColumns);
  const api =
    [...shown.parts.keys()].find((id) => id === route.frontend) ??
    [...shown.parts.keys()].find((id) => roleOf(id) === 'apiserver');
  const on = route.frontend !== undefined;
  return (
    <svg class="pic phone" viewBox="0 0 390 560" role="img" aria-label="The same map, from top to bottom">
      <rect class="zone" x="8" y="8" width="374" height="196" rx="4" />
      <rect class="zone" x="8" y="376" width="374" height="176" rx="4" />
      <text x="20" y="28" class="cap">
        CONTROL PLANE
      </text>
      <text x="370" y="28" class="e s">
        run by the provider
      </text>
      <rect class={on ? 'box on' : 'box'} x="20" y="40" width="350" height="36" rx="4" />
      <text x="32" y="63" class="b">
        {route.frontend?.startsWith('client/') === true ? 'client' : 'kubectl → API server'}
      </text>
      <text x="358" y="63" class="e m s">
        {nameOf(route.frontend ?? api ?? '')}
      </text>
      <path class={on ? 'wire hot' : 'wire'} d="M195 76V104" />
      <path class={on ? 'ah hot' : 'ah'} d="M195 106l-5 -9h10z" />
      <rect class="box" x="20" y="106" width="350" height="86" rx="4" />
      <text x="32" y="126" class="b">
        proxy-server
      </text>
      <text x="20" y="230" class="cap halo">
        NETWORK BETWEEN
      </text>
      <text x="370" y="230" class="e s halo">
        {all.length > lanes.length
          ? `${lanes.length} of ${all.length} connections`
          : 'carries what an agent opened'}
      </text>
      <path class="wall" d="M8 362H382" />
      <text x="20" y="396" class="cap">
        NODES
      </text>
      <text x="370" y="396" class="e s halo">
        they only dial out
      </text>
      {lanes.map((tunnel, index) => (
        <Column
          key={`${tunnel.agent} ${tunnel.server}`}
          tunnel={tunnel}
          x={20 + index * 180}
          state={shown}
          route={route}
        />
      ))}
    </svg>
  );
}

interface ColumnProps {
  readonly tunnel: Tunnel;
  readonly x: number;
  readonly state: State;
  readonly route: Route;
}

function Column({ tunnel, x, state: shown, route }: ColumnProps): JSX.Element {
  const on = route.agent === tunnel.agent;
  const zombie = isZombie(tunnel, shown);
  const holds = isOpen(tunnel.atAgent) || isOpen(tunnel.atServer);
  const tone = zombie ? 'dead' : !holds ? 'faint' : on ? 'hot' : '';
  const middle = x + 85;
  const { cut } = tunnel;
  const words =
    cut === undefined ? (deviceOf(shown, tunnel).words[0] ?? 'passes') : `✕ gone for ${since(cut.at)}`;
  return (
    <g>
      <path class={`wire ${tone}`} d={`M${middle} 412V180`} />
      {holds && <path class={`ah ${tone}`} d={`M${middle} 180l-5 9h10z`} />}
      <text x={x + 10} y="148" class={zombie ? 'r b' : 's'}>
        {nameOf(tunnel.agent)} {zombie ? 'zombie' : ''}
      </text>
      <Belief
        x={x + 8}
        y={168}
        open={isOpen(tunnel.atServer)}
        zombie={zombie}
        words={beliefWords(tunnel.atServer)}
      />
      <rect
        class={cut === undefined ? (on ? 'row on' : 'row') : 'row gone'}
        x={x}
        y="258"
        width="170"
        height="44"
      />
      <text x={x + 12} y="276" class="b">
        {nameOf(tunnel.agent)} → {nameOf(tunnel.server)}
      </text>
      <text x={x + 12} y="293" class={cut === undefined ? 's' : 'r b'}>
        {words}
      </text>
      <PhoneNode tunnel={tunnel} x={x} state={shown} route={route} />
      <ColumnPackets tunnel={tunnel} x={middle} />
    </g>
  );
}

function PhoneNode({ tunnel, x, state: shown, route }: ColumnProps): JSX.Element {
  const on = route.agent === tunnel.agent;
  const is = ailment(shown, tunnel.agent);
  const gone = is !== undefined && is !== 'frozen';
  const zombie = isZombie(tunnel, shown);
  return (
    <g>
      <rect
        class={`box${on && !gone ? ' onb' : ''}${ailmentClass(is)}`}
        x={x}
        y="406"
        width="170"
        height="134"
        rx="4"
      />
      <text x={x + 12} y="426" class="b">
        agent {nameOf(tunnel.agent)}
        {is === 'frozen' ? ', frozen' : ''}
      </text>
      {gone ? (
        <text x={x + 12} y="452" class="r b">
          ✕ {is}
        </text>
      ) : (
        <Belief
          x={x + 8}
          y={448}
          open={isOpen(tunnel.atAgent)}
          zombie={zombie}
          words={beliefWords(tunnel.atAgent)}
        />
      )}
      <text x={x + 12} y="488" class="b">
        kubelet
      </text>
      <text x={x + 158} y="488" class="e m s">
        {shown.ips.get(nameOf(tunnel.agent)) ?? ''}
      </text>
      <text x={x + 12} y="512" class={on ? 'b' : 's'}>
        {on ? route.pod : 'pods'}
      </text>
    </g>
  );
}

const since = (t: number): string => `${Math.max(0, Math.round((second.value - t) / 1000))} s`;

const beliefWords = (belief: Tunnel['atAgent']): string =>
  belief === undefined ? 'nothing yet' : `${belief.is} ${since(belief.since)}`;

function Belief({
  x,
  y,
  open,
  zombie,
  words,
}: {
  readonly x: number;
  readonly y: number;
  readonly open: boolean;
  readonly zombie: boolean;
  readonly words: string;
}): JSX.Element {
  return (
    <g>
      <rect class={zombie && open ? 'chip z' : 'chip'} x={x} y={y - 12} width="154" height="24" rx="12" />
      <circle class={open ? 'dot' : 'dot0'} cx={x + 12} cy={y} r="4" />
      <text x={x + 22} y={y + 4.5} class={open ? 'b' : 's'}>
        {words}
      </text>
    </g>
  );
}

/** Packets of the selected request on this connection. */
function ColumnPackets({ tunnel, x }: { readonly tunnel: Tunnel; readonly x: number }): JSX.Element {
  void version.value;
  const [t, picked] = [now.value, request.value];
  const own = picked?.end === undefined || t <= picked.end + 1 ? picked?.id : undefined;
  const journal = theJournal();
  const passages = journal.passages.list.filter(
    ({ from, to, request: of, hop }) =>
      of === own &&
      own !== undefined &&
      hop.t <= t &&
      [from, to].includes(tunnel.agent) &&
      [from, to].includes(tunnel.server),
  );
  const flying = passages.filter(({ hop }) => hop.arrivedAt !== undefined && hop.arrivedAt > t);
  const lost = passages.filter((passage) => isLost(passage, journal.end, journal.reporting));
  return (
    <g aria-hidden="true">
      {flying.map((passage) => (
        <PhonePacket key={passage.seq} passage={passage} x={x} t={t} isDown={passage.to === tunnel.agent} />
      ))}
      {lost.slice(-1).map(({ seq, hop }) => (
        <g key={seq}>
          <LostMark x={x} y={244} r={9} />
          <text x={x + 14} y={248} class="m halo lostp">
            {hop.packet} lost
          </text>
        </g>
      ))}
    </g>
  );
}

function PhonePacket({
  passage: { hop },
  x,
  t,
  isDown,
}: {
  readonly passage: Passage;
  readonly x: number;
  readonly t: number;
  readonly isDown: boolean;
}): JSX.Element {
  const share = (t - hop.t) / Math.max(0.001, (hop.arrivedAt ?? t) - hop.t);
  const y = isDown ? 184 + share * 224 : 408 - share * 224;
  return (
    <g>
      <Mark packet={hop.packet} x={x} y={y} r={8} />
      <text x={x + 14} y={y + 4} class="m b halo">
        {hop.packet}
      </text>
    </g>
  );
}
