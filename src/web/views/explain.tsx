import { computed, signal } from '@preact/signals';
import type { JSX } from 'preact';
import type { LabEvent } from '../../core/events.js';
import { explainRequest } from '../../observe/explain/explain-request.js';
import type { Explanation, ProvenCause } from '../../observe/explain/explanation.js';
import type { Copies } from '../model/copy-as.js';
import { kubectlLine } from '../model/copy-as.js';
import { nameOf, roleOf } from '../model/state.js';
import { durationText } from '../model/timers.js';
import { chosenRequest, page, request, requests, source, state, theJournal, version } from '../store.js';
import { copies, copy } from './copy-menu.js';
import { What, whoText } from './event-row.js';
import { AgentTimesView } from './explain-agents.js';
import { show } from './journal.js';
import { doTo } from './parts.js';

const explanation = computed<Explanation | string>(() => {
  void version.value;
  const id = request.value?.id;
  try {
    return explainRequest(theJournal().events, id);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
});

/** Why a request failed: the line that the user saw, who said it, why, and what to do. Only what events prove. */
export function ExplainView(): JSX.Element {
  const told = explanation.value;
  if (typeof told === 'string') return <p class="empty">{told}</p>;
  const shown = request.value;
  const took =
    shown?.end === undefined ? '' : ` · ${told.outcome} after ${durationText(shown.end - shown.start)}`;
  const [cause] = told.causes;
  return (
    <article class="doc" aria-label={`Explanation of ${told.request}`}>
      <div class="crumb">
        <span>
          Request {told.request} · {told.asked}
          {took}
        </span>
        <OtherFailures />
        <button type="button" onClick={() => (page.value = 'map')}>
          Back to the map
        </button>
      </div>
      <pre class="redline">
        <span>$ {shown === undefined ? told.asked : kubectlLine(shown)}</span>
        {'\n'}
        <b>{told.line === '' ? noLine(told) : told.line}</b>
      </pre>
      <h1 class="ans">{answerOf(told)}</h1>
      <WayPicture told={told} />
      <AgentTimesView />
      <div class="two">
        <Why told={told} />
        <div>
          {cause !== undefined && <WhatToDo causes={told.causes} />}
          <CopyTabs />
        </div>
      </div>
    </article>
  );
}

function OtherFailures(): JSX.Element | null {
  const failed = requests.value.filter(({ outcome }) => outcome === 'failed');
  if (failed.length < 2) return null;
  return (
    <label>
      <span class="sr">Failed request</span>
      <select
        value={request.value?.id ?? ''}
        onChange={(event) => (chosenRequest.value = event.currentTarget.value)}
      >
        {failed.toReversed().map(({ id, verb, target }) => (
          <option key={id} value={id}>
            {id}, {verb} {target}
          </option>
        ))}
      </select>
    </label>
  );
}

function noLine({ outcome }: Explanation): string {
  return outcome === 'finished' ? '(no error)' : '(no line: it ended without a word)';
}

function answerOf({ saidBy, causes, outcome, known }: Explanation): string {
  const [cause] = causes;
  if (outcome === 'finished') return 'It did not fail.';
  if (cause === undefined) return known[0] ?? 'No event proves a cause. What is known is below.';
  const speaker = saidBy === '' ? '' : `The ${speakerName(saidBy)} said it: `;
  return `${speaker}${cause.why}`;
}

function speakerName(id: string): string {
  const names: Readonly<Record<string, string>> = {
    server: 'proxy-server',
    apiserver: 'API server',
    agent: 'agent',
    kubelet: 'kubelet',
    client: 'client',
  };
  const name = names[roleOf(id)];
  return name === undefined
    ? id
    : ['apiserver', 'client'].includes(roleOf(id))
      ? name
      : `${name} ${nameOf(id)}`;
}

const stations = ['user', 'apiserver', 'server', 'network', 'agent', 'kubelet'] as const;
const stationNames: Readonly<Record<(typeof stations)[number], string>> = {
  user: 'kubectl',
  apiserver: 'API server',
  server: 'proxy-server',
  network: 'network',
  agent: 'agent',
  kubelet: 'kubelet',
};

/** The way of the request: where it was answered, and what it did not reach. */
function WayPicture({ told }: { readonly told: Explanation }): JSX.Element {
  const reached = reachedBy(told.request);
  const said = told.saidBy === '' ? undefined : roleOf(told.saidBy);
  const speaker = said === 'client' ? 'apiserver' : said;
  const isClient = request.value?.node.startsWith('client/') === true;
  // This page and tests dial the proxy-server themselves.
  const way = isClient ? stations.slice(1) : stations;
  const [width, gap] = [130, 42];
  return (
    <svg
      class="pic way"
      viewBox="0 0 1000 84"
      role="img"
      aria-label={`Said by ${told.saidBy}. Reached: ${[...reached].join(', ')}`}
    >
      {way.map((station, index) => {
        const x = 1 + index * (width + gap);
        const here = station === speaker;
        const is = station === 'user' || reached.has(station);
        const next = way[index + 1];
        const goes = next !== undefined && (reached.has(next) || (station === 'user' && is));
        const isEnd = station === 'network' && is && !reached.has('agent');
        const words = here
          ? 'says it'
          : station === 'user' || (isClient && index === 0)
            ? 'shows it'
            : isEnd
              ? '✕ no trace beyond'
              : is
                ? 'passed it on'
                : 'not reached';
        return (
          <g key={station}>
            <rect
              class={here ? 'box says' : isEnd ? 'box dead' : is ? 'box' : 'box faint'}
              x={x}
              y="10"
              width={width}
              height="54"
              rx="4"
            />
            <text x={x + 14} y="33" class={is ? 'b' : 's b'}>
              {isClient && station === 'apiserver' ? 'client' : stationNames[station]}
            </text>
            <text x={x + 14} y="51" class={here || isEnd ? 'r b' : 's'}>
              {words}
            </text>
            {next !== undefined && (
              <path class={goes ? 'wire hot' : 'wire faint'} d={`M${x + width} 37H${x + width + gap}`} />
            )}
            {next !== undefined && goes && <path class="ah hot" d={`M${x + width + gap} 37l-9 -5v10z`} />}
          </g>
        );
      })}
    </svg>
  );
}

/** The roles that a request came to, from its events. */
function reachedBy(id: string): ReadonlySet<string> {
  const reached = new Set<string>(['apiserver']);
  for (const event of theJournal().events) {
    if (event.request !== id) continue;
    reached.add(roleOf(event.node) === 'client' ? 'apiserver' : roleOf(event.node));
    if (
      event.kind === 'packet' &&
      event.node.startsWith('server/') &&
      event.peer.startsWith('agent/') &&
      event.dir === 'out'
    )
      reached.add('network');
  }
  if (reached.has('agent')) reached.add('network');
  return reached;
}

function Why({ told }: { readonly told: Explanation }): JSX.Element {
  return (
    <section>
      <h2>Why, from the journal</h2>
      {told.causes.map((cause) => (
        <CauseTable key={cause.cause} cause={cause} />
      ))}
      {told.causes.length === 0 && (
        <ul class="known">
          {[...told.known, ...told.missing.map((line) => `Would prove it: ${line}`)].map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
      )}
    </section>
  );
}

function CauseTable({ cause }: { readonly cause: ProvenCause }): JSX.Element {
  const events = cause.evidence.flatMap((seq) => theJournal().bySeq(seq) ?? []);
  return (
    <table class="grid">
      <caption>
        <code>{cause.cause}</code> {cause.faults === '' ? '' : `(${cause.faults})`}: {cause.why}
      </caption>
      <tbody>
        {events.map((event) => (
          <Evidence key={event.seq} event={event} />
        ))}
      </tbody>
    </table>
  );
}

function Evidence({ event }: { readonly event: LabEvent }): JSX.Element {
  return (
    <tr>
      <td class="ev">
        <button type="button" class="link" onClick={() => jump(event)}>
          #{event.seq}
        </button>
      </td>
      <td class="n">{(event.t / 1000).toFixed(3)} s</td>
      <td>{whoText(event)}</td>
      <td>
        <What event={event} />
      </td>
    </tr>
  );
}

function jump(event: LabEvent): void {
  page.value = 'map';
  show(event);
}

const trouble = signal('');

/** The parts that are dead can be started from here. */
function WhatToDo({ causes }: { readonly causes: readonly ProvenCause[] }): JSX.Element {
  const hints = [...new Set(causes.map(({ hint }) => hint))];
  const dead = [...state.value.parts.values()].filter(({ state: is }) => is === 'killed').slice(0, 2);
  return (
    <section>
      <h2>What to do</h2>
      <ol class="do">
        {hints.map((hint) => (
          <li key={hint}>
            <p>
              <Rich text={hint} />
            </p>
          </li>
        ))}
        {source.value === 'live' &&
          dead.map(({ id }) => (
            <li key={id}>
              <p>{id} is dead here.</p>
              <button
                type="button"
                class="primary"
                onClick={() => void doTo(id, 'start').then((why) => (trouble.value = why ?? ''))}
              >
                Start {id}
              </button>
            </li>
          ))}
      </ol>
      <p class="red" role="status">
        {trouble.value}
      </p>
    </section>
  );
}

/** What stands in backquotes is code. */
function Rich({ text }: { readonly text: string }): JSX.Element {
  return (
    <>{text.split('`').map((part, index) => (index % 2 === 1 ? <code key={index}>{part}</code> : part))}</>
  );
}

const tab = signal<keyof Copies>('test');
const tabs = { test: 'Test', cli: 'CLI', curl: 'curl' } as const;

function CopyTabs(): JSX.Element {
  const text = copies()[tab.value];
  return (
    <section class="copies" aria-label="The same again">
      <div class="tabs">
        <div role="tablist" aria-label="Form">
          {(Object.keys(tabs) as (keyof Copies)[]).map((name) => (
            <button
              key={name}
              type="button"
              role="tab"
              aria-selected={tab.value === name}
              onClick={() => (tab.value = name)}
            >
              {tabs[name]}
            </button>
          ))}
        </div>
        <button type="button" class="quiet push" onClick={() => void copy(text)}>
          Copy
        </button>
      </div>
      <pre class="code" tabIndex={0}>
        {text}
      </pre>
    </section>
  );
}
