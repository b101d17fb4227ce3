import type { JSX } from 'preact';
import { type AgentTime, agentTimesOf } from '../model/agent-times.js';
import { nameOf } from '../model/state.js';
import { durationText } from '../model/timers.js';
import { request, theJournal } from '../store.js';
import { Cross } from './marks.js';

const left = 112;
const right = 990;
const rowHeight = 32;

/** The connections of agents up to the request, to scale: which one was there, and which was gone. */
export function AgentTimesView(): JSX.Element | null {
  const shown = request.value;
  if (shown === undefined) return null;
  const { agents, from, to, at } = agentTimesOf(theJournal(), shown);
  if (agents.length === 0 || to <= from) return null;
  const x = (t: number): number => left + ((t - from) / (to - from)) * (right - left);
  const bottom = agents.length * rowHeight + 4;
  const words = agents.map(
    ({ agent, lost }) => `${nameOf(agent)}: ${lost === undefined ? 'open' : lost.word}`,
  );
  return (
    <section>
      <h2>Connections of agents, to scale</h2>
      <svg class="pic way" viewBox={`0 0 1000 ${bottom + 26}`} role="img" aria-label={words.join('. ')}>
        {agents.map((agent, index) => (
          <Row key={agent.agent} agent={agent} y={index * rowHeight + 4} x={x} end={to} />
        ))}
        <path class="tick" d={`M${left} ${bottom}H${right}`} />
        {[from, at, to].map((t, index) => (
          <text key={t + index} x={x(t)} y={bottom + 18} class={index === 0 ? 's' : 'e s'}>
            {index === 1 && x(to) - x(at) < 60 ? '' : `${(t / 1000).toFixed(1)} s`}
          </text>
        ))}
        <path class="head" d={`M${x(at)} 0V${bottom}`} />
      </svg>
      <p class="soft">The line is the start of {shown.id}.</p>
    </section>
  );
}

interface RowProps {
  readonly agent: AgentTime;
  readonly y: number;
  readonly x: (t: number) => number;
  readonly end: number;
}

function Row({ agent: { agent, ip, spans, lost }, y, x, end }: RowProps): JSX.Element {
  const middle = y + 12;
  return (
    <g>
      <text x="0" y={middle + 4} class="b">
        {nameOf(agent)}
      </text>
      {spans.map((span) => (
        <rect
          key={span.from}
          class="span"
          x={x(span.from)}
          y={y}
          width={Math.max(2, x(span.to) - x(span.from))}
          height="24"
          rx="3"
        />
      ))}
      {spans.length > 0 && (
        <g>
          <circle class="dot" cx={x(spans[0]?.from ?? 0) + 12} cy={middle} r="4" />
          <text x={x(spans[0]?.from ?? 0) + 22} y={middle + 4} class="b">
            open{ip === '' ? '' : ` · claims ${ip}`}
          </text>
        </g>
      )}
      {lost !== undefined && (
        <Lost
          at={x(lost.at)}
          y={middle}
          text={`${lost.word}, gone for ${durationText(Math.max(0, end - lost.at))}`}
        />
      )}
    </g>
  );
}

function Lost({
  at,
  y,
  text,
}: {
  readonly at: number;
  readonly y: number;
  readonly text: string;
}): JSX.Element {
  const width = text.length * 6.4;
  const isLeft = at + width + 16 > right;
  return (
    <g>
      <Cross x={at} y={y} r={5} />
      <text x={isLeft ? at - 12 : at + 12} y={y + 4} class={isLeft ? 'r b e halo' : 'r b halo'}>
        {text}
      </text>
    </g>
  );
}
