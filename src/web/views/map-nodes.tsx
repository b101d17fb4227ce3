import type { JSX } from 'preact';
import type { MapLayout, NodeBox } from '../model/layout.js';
import type { State } from '../model/state.js';
import { ailment, ailmentClass, durationText } from '../model/timers.js';
import { second } from '../store.js';
import type { Route } from './map.js';

interface NodesProps {
  readonly layout: MapLayout;
  readonly state: State;
  readonly route: Route;
}

/** Nodes: an agent that dials out, a kubelet, pods. */
export function MapNodes({ layout, state, route }: NodesProps): JSX.Element {
  return (
    <g>
      {layout.nodes.map((node) => (
        <NodeView key={node.name} node={node} compact={layout.compact} state={state} route={route} />
      ))}
      <Elsewhere layout={layout} route={route} />
      {layout.moreNodes > 0 && (
        <text x="772" y={layout.height - 24} class="s">
          and {layout.moreNodes} more nodes
        </text>
      )}
    </g>
  );
}

/** The wire of an agent that dials the kubelet of another node. */
function Elsewhere({ layout, route }: Pick<NodesProps, 'layout' | 'route'>): JSX.Element | null {
  const from = layout.nodes.find(({ agent }) => agent === route.agent);
  const to = layout.nodes.find(({ name }) => name === route.node);
  if (from === undefined || to === undefined || from === to) return null;
  const middle = (node: NodeBox): number => node.agentBox.y + node.agentBox.h / 2;
  const [x, end] = [from.agentBox.x + from.agentBox.w, to.kubeletBox.x];
  return (
    <g>
      <path class="wire hot" d={`M${x} ${middle(from)}H${x + 6}V${middle(to)}H${end - 4}`} />
      <path class="ah hot" d={`M${end} ${middle(to)}l-9 -5v10z`} />
    </g>
  );
}

interface NodeProps {
  readonly node: NodeBox;
  readonly compact: boolean;
  readonly state: State;
  readonly route: Route;
}

function NodeView({ node, compact, state, route }: NodeProps): JSX.Element {
  const on = route.agent === node.agent;
  const isTarget = route.agent !== undefined && route.node === node.name;
  const { agentBox, kubeletBox } = node;
  const middle = agentBox.y + (compact ? 17 : 32);
  return (
    <g>
      <rect class="node" x={node.x} y={node.y} width={node.w} height={node.h} rx="4" />
      <text x={node.x + 10} y={node.y + 18} class="b">
        {node.name}
      </text>
      <text x={node.x + 248} y={node.y + 18} class="m s e">
        {state.ips.get(node.name) ?? ''}
      </text>
      <AgentBox node={node} compact={compact} state={state} on={on} />
      <path
        class={on && isTarget ? 'wire hot' : 'wire'}
        d={`M${agentBox.x + agentBox.w} ${middle}H${kubeletBox.x - 2}`}
      />
      <path class={on && isTarget ? 'ah hot' : 'ah'} d={`M${kubeletBox.x} ${middle}l-9 -5v10z`} />
      <PartBox box={kubeletBox} id={node.kubelet} label="kubelet" state={state} on={isTarget} />
      {node.pods.map((pod) => (
        <Pod
          key={pod.id}
          pod={pod}
          kubeletRight={kubeletBox.x + kubeletBox.w}
          state={state}
          on={isTarget && pod.name === route.pod}
        />
      ))}
      {node.morePods > 0 && (
        <text x={node.x + 176} y={node.y + 18} class="s e">
          +{node.morePods} {node.morePods === 1 ? 'pod' : 'pods'}
        </text>
      )}
    </g>
  );
}

/** The lanes draw the chips of beliefs over this box. */
function AgentBox({
  node,
  compact,
  state,
  on,
}: Omit<NodeProps, 'route'> & { readonly on: boolean }): JSX.Element {
  const { agentBox: box } = node;
  const part = state.parts.get(node.agent);
  const is = ailment(state, node.agent);
  const pings = part?.keepaliveMs;
  return (
    <g>
      <rect
        class={`boxo${on ? ' onb' : ''}${ailmentClass(is)}`}
        x={box.x}
        y={box.y}
        width={box.w}
        height={box.h}
        rx="4"
      />
      {!compact && (
        <text x={box.x + 12} y={box.y + 14} class="b">
          agent
        </text>
      )}
      {part !== undefined && is !== undefined && is !== 'frozen' && (
        <text x={box.x + 12} y={box.y + (compact ? 21 : 36)} class="r b">
          ✕ {is} {Math.max(0, Math.round((second.value - part.since) / 1000))} s
        </text>
      )}
      {is === 'frozen' && (
        <text x={box.x + 12} y={box.y + box.h - 18} class="b">
          frozen
        </text>
      )}
      {!compact && is === undefined && pings !== undefined && box.h > 70 && (
        <text x={box.x + 12} y={box.y + box.h - 18} class="s">
          pings after {durationText(pings)}
        </text>
      )}
    </g>
  );
}

interface PartBoxProps {
  readonly box: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly id: string;
  readonly label: string;
  readonly state: State;
  readonly on: boolean;
}

function PartBox({ box, id, label, state, on }: PartBoxProps): JSX.Element {
  const is = ailment(state, id);
  return (
    <g>
      <rect
        class={`box${on ? ' on' : ''}${ailmentClass(is)}`}
        x={box.x}
        y={box.y}
        width={box.w}
        height={box.h}
        rx="4"
      />
      <text x={box.x + box.w / 2} y={box.y + 15} class="c b">
        {label}
      </text>
      <text x={box.x + box.w / 2} y={box.y + 31} class={is === undefined ? 'c m s' : 'c r b'}>
        {is ?? ':10250'}
      </text>
    </g>
  );
}

function Pod({
  pod,
  kubeletRight,
  state,
  on,
}: {
  readonly pod: NodeBox['pods'][number];
  readonly kubeletRight: number;
  readonly state: State;
  readonly on: boolean;
}): JSX.Element {
  const is = state.parts.get(pod.id)?.state;
  const dead = is !== undefined && is !== 'running';
  const y = pod.y + pod.h / 2;
  return (
    <g>
      <path class={on ? 'wire hot' : 'wire'} d={`M${kubeletRight} ${y}H${pod.x}`} />
      <rect
        class={`box${on ? ' on' : ''}${dead ? ' dead' : ''}`}
        x={pod.x}
        y={pod.y}
        width={pod.w}
        height={pod.h}
        rx="4"
      />
      <text x={pod.x + pod.w / 2} y={y + 4} class="c">
        {pod.name.length > 8 ? `${pod.name.slice(0, 7)}…` : pod.name}
      </text>
    </g>
  );
}
