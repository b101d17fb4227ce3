import { isZombie, nameOf, roleOf, type State, type Tunnel } from './state.js';

/** Where things are on the map. Pure numbers: the same state gives the same picture, live or from a file. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

export interface NodeBox extends Box {
  readonly name: string;
  readonly agent: string;
  readonly kubelet: string;
  readonly agentBox: Box;
  readonly kubeletBox: Box;
  readonly pods: readonly (Box & { readonly name: string; readonly id: string })[];
  readonly morePods: number;
}

/** The connection of an agent to a server: its end at the agent, its row in the device, its end at the server. */
export interface Lane {
  readonly tunnel: Tunnel;
  readonly agentY: number;
  readonly serverY: number;
}

export interface MapLayout {
  readonly height: number;
  readonly compact: boolean;
  readonly frontends: readonly (Box & { readonly id: string })[];
  readonly servers: readonly (Box & { readonly id: string })[];
  readonly device: Box;
  readonly lanes: readonly Lane[];
  readonly nodes: readonly NodeBox[];
  /** Nodes that have no place. */
  readonly moreNodes: number;
}

/** At most so many rows of connections; the other nodes are a number. */
const mostRows = 12;
const mostNodes = 8;
/** With more rows than these, nodes are drawn small. */
const fullRows = 4;
const top = 108;

export const columns = {
  user: { x: 8, w: 76 },
  frontend: { x: 124, w: 128 },
  server: { x: 316, w: 124 },
  device: { x: 504, w: 184 },
  wall: 756,
  node: { x: 766, w: 258 },
  agent: { x: 776, w: 116 },
  kubelet: { x: 908, w: 52 },
  pod: { x: 968, w: 50 },
} as const;

const minHeight = 392;

export function layoutOf(state: State, selected: readonly (string | undefined)[]): MapLayout {
  const ids = [...state.parts.keys()];
  const servers = ids.filter((id) => roleOf(id) === 'server').sort(byName);
  const names = nodeNames(ids);
  const lines = Math.max(1, servers.length);
  const most = Math.min(mostNodes, Math.max(2, Math.floor(mostRows / lines)));
  const shown = chosenNodes(names, state, selected, most);
  const compact = shown.length * lines > fullRows || shown.length > 3;
  const nodeH = (compact ? 60 : 120) + (lines - 1) * 30;
  const gap = compact ? 10 : 20;
  const nodes = shown.map((name, index) =>
    nodeBox(name, state, top + index * (nodeH + gap), { nodeH, compact, pod: selected[1] }),
  );
  const bottom = Math.max(
    minHeight - 24,
    top - gap + shown.length * (nodeH + gap) + (names.length > shown.length ? 24 : 0),
  );
  const serverBoxes = serversIn(servers, shown.length, bottom, lines);
  const end = Math.max(bottom, (serverBoxes.at(-1)?.y ?? 0) + (serverBoxes.at(-1)?.h ?? 0));
  const middle = (100 + end) / 2;
  return {
    height: end + 24,
    compact,
    frontends: frontendsIn(ids, state, middle),
    servers: serverBoxes,
    device: { ...columns.device, y: 100, h: end - 100 },
    lanes: lanesOf(nodes, serverBoxes, state, compact),
    nodes,
    moreNodes: names.length - shown.length,
  };
}

function byName(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

function nodeNames(ids: readonly string[]): string[] {
  const names = ids.filter((id) => ['agent', 'kubelet'].includes(roleOf(id))).map(nameOf);
  return [...new Set(names)].sort(byName);
}

/** The selected node and those in trouble have a place before the others. */
function chosenNodes(
  names: readonly string[],
  state: State,
  selected: readonly (string | undefined)[],
  most: number,
): string[] {
  if (names.length <= most) return [...names];
  const troubled = new Set<string>();
  for (const tunnel of state.tunnels.values())
    if (isZombie(tunnel, state)) troubled.add(nameOf(tunnel.agent));
  for (const part of state.parts.values()) {
    if (roleOf(part.id) === 'agent' && part.state !== 'running') troubled.add(nameOf(part.id));
  }
  const picked = new Set(selected.filter((id) => id !== undefined).map(nameOf));
  const first = names.filter((name) => picked.has(name));
  const next = names.filter((name) => troubled.has(name) && !picked.has(name));
  const rest = names.filter((name) => !troubled.has(name) && !picked.has(name));
  return [...first, ...next, ...rest].slice(0, most).sort(byName);
}

function nodeBox(
  name: string,
  state: State,
  y: number,
  {
    nodeH,
    compact,
    pod,
  }: { readonly nodeH: number; readonly compact: boolean; readonly pod: string | undefined },
): NodeBox {
  const innerY = y + (compact ? 24 : 28);
  const innerH = nodeH - (compact ? 30 : 36);
  const kubelet = `kubelet/${name}`;
  const pods = podsOf(kubelet, state, pod);
  const slots = compact ? 1 : 2;
  const each = (innerH - (slots - 1) * 4) / slots;
  const fits = pods.slice(0, slots);
  return {
    x: columns.node.x,
    y,
    w: columns.node.w,
    h: nodeH,
    name,
    agent: `agent/${name}`,
    kubelet,
    agentBox: { ...columns.agent, y: innerY, h: innerH },
    kubeletBox: { ...columns.kubelet, y: innerY, h: innerH },
    pods: fits.map((pod, index) => ({ ...columns.pod, ...pod, y: innerY + index * (each + 4), h: each })),
    morePods: pods.length - fits.length,
  };
}

/** The pods of a kubelet, from its containers: `container/default/web-1/web`. The one of the request is the first. */
function podsOf(
  kubelet: string,
  state: State,
  first: string | undefined,
): { readonly name: string; readonly id: string }[] {
  const pods = new Map<string, string>();
  for (const part of state.parts.values()) {
    if (part.parent !== kubelet || roleOf(part.id) !== 'container') continue;
    const name = part.id.split('/')[2] ?? '';
    if (!pods.has(name)) pods.set(name, part.id);
  }
  return [...pods]
    .map(([name, id]) => ({ name, id }))
    .sort((a, b) => Number(b.name === first) - Number(a.name === first));
}

function serversIn(
  ids: readonly string[],
  nodes: number,
  bottom: number,
  lines: number,
): (Box & { id: string })[] {
  const y = 100;
  if (ids.length <= 1) return ids.map((id) => ({ ...columns.server, id, y, h: bottom - y }));
  const least = 48 + nodes * 30;
  const h = Math.max(least, (bottom - y - (lines - 1) * 12) / lines);
  return ids.map((id, index) => ({ ...columns.server, id, y: y + index * (h + 12), h }));
}

function frontendsIn(ids: readonly string[], state: State, middle: number): (Box & { id: string })[] {
  const apiservers = ids.filter((id) => roleOf(id) === 'apiserver').sort(byName);
  const dialled = [...state.dials.values()].some(({ frontend }) => frontend === 'client/lab');
  const all = [...apiservers, ...(dialled ? ['client/lab'] : [])];
  const heights = all.map((id) => (roleOf(id) === 'client' ? 52 : apiservers.length > 1 ? 76 : 84));
  const total = heights.reduce((sum, h) => sum + h, 0) + 16 * Math.max(0, all.length - 1);
  let y = middle - total / 2;
  return all.map((id, index) => {
    const h = heights[index] ?? 84;
    const box = { ...columns.frontend, id, y, h };
    y += h + 16;
    return box;
  });
}

function lanesOf(
  nodes: readonly NodeBox[],
  servers: MapLayout['servers'],
  state: State,
  compact: boolean,
): Lane[] {
  return nodes.flatMap((node, row) =>
    servers.flatMap((server, line) => {
      const tunnel = state.tunnels.get(`${node.agent} ${server.id}`);
      if (tunnel === undefined) return [];
      const agentY = node.agentBox.y + (compact ? 17 : 32) + line * 30;
      const serverY = servers.length === 1 ? agentY : server.y + 58 + row * 30;
      return [{ tunnel, agentY, serverY }];
    }),
  );
}

export type Point = readonly [number, number];

/** The way of a packet between two parts, as points; undefined when one has no place on the map. */
export function wayOf(layout: MapLayout, from: string, to: string): readonly Point[] | undefined {
  const front = layout.frontends.find(({ id }) => id === from || id === to);
  const server = layout.servers.find(({ id }) => id === from || id === to);
  if (server === undefined) return undefined;
  if (front !== undefined) {
    const way = frontWire(layout, front, server);
    return front.id === from ? way : way.toReversed();
  }
  const lane = layout.lanes.find(
    ({ tunnel }) => tunnel.server === server.id && (tunnel.agent === from || tunnel.agent === to),
  );
  if (lane === undefined) return undefined;
  const way = agentWire(lane);
  return lane.tunnel.agent === from ? way : way.toReversed();
}

/** From a frontend to a server. */
export function frontWire(layout: MapLayout, front: Box, server: Box): readonly Point[] {
  const y = front.y + front.h / 2;
  const x = columns.frontend.x + columns.frontend.w;
  if (layout.servers.length === 1)
    return [
      [x, y],
      [columns.server.x, y],
    ];
  const at = server.y + 22;
  return [
    [x, y],
    [284, y],
    [284, at],
    [columns.server.x, at],
  ];
}

/** From an agent to its server: who dialled comes first. */
export function agentWire({ agentY, serverY }: Lane): readonly Point[] {
  const { device, server, agent } = columns;
  const right = server.x + server.w;
  const straight: readonly Point[] = [
    [agent.x, agentY],
    [device.x, agentY],
  ];
  return agentY === serverY
    ? [...straight, [right, agentY]]
    : [...straight, [right + 20, serverY], [right, serverY]];
}

/** The point at a share of a way, from 0 to 1. */
export function pointOn(way: readonly Point[], share: number): Point {
  const lengths = way.slice(1).map((point, index) => distance(way[index] ?? point, point));
  let left = share * lengths.reduce((sum, length) => sum + length, 0);
  for (const [index, length] of lengths.entries()) {
    const [a, b] = [way[index] ?? [0, 0], way[index + 1] ?? [0, 0]] as const;
    if (left <= length || index === lengths.length - 1) {
      const part = length === 0 ? 0 : Math.min(1, left / length);
      return [a[0] + (b[0] - a[0]) * part, a[1] + (b[1] - a[1]) * part];
    }
    left -= length;
  }
  return way[0] ?? [0, 0];
}

const distance = (a: Point, b: Point): number => Math.hypot(a[0] - b[0], a[1] - b[1]);

/** A way as the `d` of a path. */
export const pathOf = (way: readonly Point[]): string =>
  way.map(([x, y], index) => `${index === 0 ? 'M' : 'L'}${round(x)} ${round(y)}`).join('');

const round = (value: number): number => Math.round(value * 10) / 10;
