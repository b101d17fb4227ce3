import type { JSX } from 'preact';
import { columns, frontWire, layoutOf, type MapLayout, pathOf } from '../model/layout.js';
import { isZombie, nameOf, type State } from '../model/state.js';
import { ailment, ailmentClass } from '../model/timers.js';
import { mode, now, request, second, state } from '../store.js';
import { MapLanes } from './map-lanes.js';
import { MapNodes } from './map-nodes.js';
import { MapPackets } from './map-packets.js';
import { PhoneMap } from './map-phone.js';

/** What of the map belongs to the selected request: it is drawn strong, all else is quiet. */
export interface Route {
  readonly frontend: string | undefined;
  readonly server: string | undefined;
  readonly agent: string | undefined;
  readonly pod: string | undefined;
  /** The node whose kubelet is dialled. With a strategy such as `default` its agent may be that of another. */
  readonly node: string | undefined;
}

/** The cluster as a picture, at the moment that is shown. */
export function MapView(): JSX.Element {
  const shown = state.value;
  const route = routeOf(shown);
  const layout = layoutOf(shown, [route.agent, route.pod, route.node]);
  return (
    <section class="map" aria-label="Map">
      <svg
        class={layout.height > 420 ? 'pic desk' : 'pic desk short'}
        viewBox={`0 0 1040 ${layout.height}`}
        role="img"
        aria-label={labelOf(shown)}
        id="map-svg"
      >
        <Zones layout={layout} />
        <Front layout={layout} route={route} />
        <MapNodes layout={layout} state={shown} route={route} />
        <MapLanes layout={layout} state={shown} route={route} nowMs={second.value} />
        <MapPackets layout={layout} />
      </svg>
      <PhoneMap route={route} />
    </section>
  );
}

/**
 * The way of the selected request as far as events have shown it: no agent before the server chose one. In front of the
 * live lab only a request that is under way is lit.
 */
function routeOf(shown: State): Route {
  const picked = request.value;
  const isOver = picked?.end !== undefined && mode.value === 'live';
  if (picked === undefined || isOver || picked.start > now.value)
    return { frontend: undefined, server: undefined, agent: undefined, pod: undefined, node: undefined };
  const dial = [...shown.dials.values()].findLast((one) => one.request === picked.id);
  return {
    frontend: picked.frontend ?? picked.node,
    server: dial?.server,
    agent: dial?.agent,
    pod: picked.target,
    node: [...shown.ips].find(([, ip]) => dial?.address.startsWith(`${ip}:`))?.[0],
  };
}

function labelOf(shown: State): string {
  const lanes = [...shown.tunnels.values()].map((tunnel) => {
    const is = isZombie(tunnel, shown) ? 'zombie' : (tunnel.atServer?.is ?? 'connecting');
    return `${nameOf(tunnel.agent)} to ${nameOf(tunnel.server)}: ${is}`;
  });
  return `Map at ${(shown.t / 1000).toFixed(3)} s. ${lanes.join('. ')}`;
}

function Zones({ layout: { height } }: { readonly layout: MapLayout }): JSX.Element {
  const h = height - 16;
  return (
    <g>
      <rect class="zone" x="112" y="8" width="336" height={h} rx="4" />
      <rect class="zone" x="756" y="8" width="276" height={h} rx="4" />
      <text x="124" y="30" class="cap">
        CONTROL PLANE
      </text>
      <text x="124" y="48" class="s">
        run by the provider
      </text>
      <text x="464" y="30" class="cap">
        NETWORK BETWEEN
      </text>
      <text x="464" y="48" class="s">
        carries only what an agent opened
      </text>
      <text x="772" y="30" class="cap">
        NODES
      </text>
      <text x="772" y="48" class="s">
        in the customer’s network: they only dial out
      </text>
      <path class="wall" d={`M756 8V${height - 8}`} />
      <path class="noway" d="M378 100V84H744" />
      <path class="ah" d="M746 84l-9 -5v10z" />
      <path class="xx" d="M751 79l10 10m0 -10l-10 10" />
      <text x="464" y="76" class="s">
        no way in: a node cannot be dialled
      </text>
    </g>
  );
}

interface FrontProps {
  readonly layout: MapLayout;
  readonly route: Route;
}

/** Users, API servers and other frontends, and their wires to the proxy-servers. */
function Front({ layout, route }: FrontProps): JSX.Element {
  return (
    <g>
      {wiresOf(layout, route).map(({ front, server, hot }) => {
        const way = frontWire(layout, front, server);
        const [endX, endY] = way.at(-1) ?? [0, 0];
        return (
          <g key={`${front.id} ${server.id}`}>
            {hot && <path class="route" d={pathOf(way)} />}
            <path class={hot ? 'wire hot' : 'wire'} d={pathOf(way)} />
            <path class={hot ? 'ah hot' : 'ah'} d={`M${endX} ${endY}l-9 -5v10z`} />
          </g>
        );
      })}
      <User layout={layout} route={route} />
      {layout.frontends.map((front) => (
        <Frontend key={front.id} front={front} route={route} />
      ))}
    </g>
  );
}

function Frontend({
  front,
  route,
}: {
  readonly front: MapLayout['frontends'][number];
  readonly route: Route;
}): JSX.Element {
  const { id, x, y, w, h } = front;
  const on = route.frontend === id;
  const isClient = id.startsWith('client/');
  const part = state.value.parts.get(id);
  const is = ailment(state.value, id);
  return (
    <g>
      <rect class={`box${on ? ' on' : ''}${ailmentClass(is)}`} x={x} y={y} width={w} height={h} rx="4" />
      <text x={x + 12} y={y + 22} class="b">
        {isClient ? 'client' : 'API server'}
      </text>
      <text x={x + 12} y={y + 40} class={isClient ? 's' : 'm s'}>
        {isClient ? 'this page, a test' : nameOf(id)}
      </text>
      {part?.address !== undefined && (
        <text x={x + 12} y={y + 60} class={is === undefined ? 'm s' : 'r b'}>
          {is ?? part.address}
        </text>
      )}
    </g>
  );
}

/** The wire of the selected request comes last: it lies over the others. */
function wiresOf({ frontends, servers }: MapLayout, route: Route) {
  const isHot = (front: string, server: string): boolean =>
    route.frontend === front && route.server === server;
  return frontends
    .flatMap((front) => servers.map((server) => ({ front, server, hot: isHot(front.id, server.id) })))
    .sort((a, b) => Number(a.hot) - Number(b.hot));
}

/** kubectl, and whoever else talks to the API servers. */
function User({ layout, route }: FrontProps): JSX.Element | null {
  const apis = layout.frontends.filter(({ id }) => id.startsWith('apiserver/'));
  const [first, last] = [apis[0], apis.at(-1)];
  if (first === undefined || last === undefined) return null;
  const at = (first.y + last.y + last.h) / 2;
  const { x, w } = columns.user;
  const right = x + w;
  const on = apis.some(({ id }) => id === route.frontend);
  return (
    <g>
      {apis.map((api) => {
        const [y, hot] = [api.y + api.h / 2, api.id === route.frontend];
        const way = `M${right} ${at}H${right + 14}V${y}H${columns.frontend.x}`;
        return (
          <g key={api.id}>
            {hot && <path class="route" d={way} />}
            <path class={hot ? 'wire hot' : 'wire'} d={way} />
            <path class={hot ? 'ah hot' : 'ah'} d={`M${columns.frontend.x} ${y}l-9 -5v10z`} />
          </g>
        );
      })}
      <rect class={on ? 'box on' : 'box'} x={x} y={at - 24} width={w} height="48" rx="4" />
      <text x={x + w / 2} y={at - 2} class="c b">
        kubectl
      </text>
      <text x={x + w / 2} y={at + 15} class="c s">
        a user
      </text>
    </g>
  );
}
