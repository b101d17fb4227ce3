import { computed, signal } from '@preact/signals';
import type { JSX } from 'preact';
import { keys, showsKeys } from '../keys.js';
import { sentenceOf } from '../model/sentence.js';
import { openFile } from '../open-file.js';
import { reducedMotion } from '../player.js';
import { mode, page, problem, request, second, source, state } from '../store.js';
import { ConnectionsView } from './connections.js';
import { Console } from './console.js';
import { ExplainView } from './explain.js';
import { FaultsPanel } from './faults.js';
import { Header } from './header.js';
import { JournalView } from './journal.js';
import { LadderView } from './ladder.js';
import { MapView } from './map.js';
import { Legend } from './marks.js';
import { PartsPanel } from './parts.js';
import { asTable } from './steps-switch.js';
import { StepsTable } from './steps-table.js';
import { Transport } from './transport.js';

const dragging = signal(false);
const side = signal<'journal' | 'connections'>('journal');

export function App(): JSX.Element {
  return (
    <div
      class={dragging.value ? 'page dragging' : 'page'}
      onDragOver={drag}
      onDragLeave={() => (dragging.value = false)}
      onDrop={drop}
    >
      <a class="skip" href="#main">
        Skip to the map
      </a>
      <Header />
      <Banner />
      <main id="main" class="frame">
        <div class="left">{page.value === 'map' ? <Picture /> : <ExplainView />}</div>
        <div class="right">
          <div class="tabs" role="tablist" aria-label="Tables">
            <SideTab to="journal" name="Journal" />
            <SideTab to="connections" name="Connections" />
          </div>
          {side.value === 'journal' ? <JournalView /> : <ConnectionsView />}
          <FaultsPanel />
          <PartsPanel />
        </div>
      </main>
      {showsKeys.value && <KeyHelp />}
    </div>
  );
}

function drag(event: DragEvent): void {
  event.preventDefault();
  dragging.value = true;
}

function drop(event: DragEvent): void {
  event.preventDefault();
  dragging.value = false;
  void openFile(event.dataTransfer?.files[0]);
}

function SideTab({
  to,
  name,
}: {
  readonly to: 'journal' | 'connections';
  readonly name: string;
}): JSX.Element {
  return (
    <button type="button" role="tab" aria-selected={side.value === to} onClick={() => (side.value = to)}>
      {name}
    </button>
  );
}

function Banner(): JSX.Element | null {
  if (problem.value !== '') return <p class="banner red">{problem.value}</p>;
  if (source.value === 'lost')
    return <p class="banner red">No news from the lab. This is its last picture; the page tries again.</p>;
  if (source.value === 'connecting' && state.value.seq === 0)
    return (
      <p class="banner">
        Looking for a lab. Start one with <code>konnsim up</code>, or drop a recording here.
      </p>
    );
  return null;
}

function Picture(): JSX.Element {
  const table = asTable.value || reducedMotion.value;
  return (
    <>
      <Say />
      <MapView />
      <Legend />
      <section class="ladder" aria-label="Ladder">
        <Transport />
        <div
          class={table ? 'ladder-body table' : 'ladder-body'}
          tabIndex={0}
          aria-label="Steps of the request"
          role="group"
        >
          {!table && <LadderView />}
          <StepsTable />
        </div>
      </section>
      <Console />
    </>
  );
}

const sentence = computed(() =>
  sentenceOf(state.value, request.value, mode.value === 'live' ? Infinity : second.value + 999),
);
const trouble = computed(() => sentenceOf(state.value, undefined, second.value).wrong);

/** What happens now, in words. */
function Say(): JSX.Element {
  const { code, text, calm } = sentence.value;
  const wrong = trouble.value;
  return (
    <section class="say" aria-live="polite">
      <h1>
        {code !== undefined && <code>{code}</code>} {text}
      </h1>
      <p>
        {wrong === undefined ? (
          calm
        ) : (
          <>
            Nothing can dial in. <b>{wrong.who}</b> {wrong.text}
          </>
        )}
      </p>
    </section>
  );
}

function KeyHelp(): JSX.Element {
  return (
    <div class="keys" role="dialog" aria-label="Keys">
      <div class="head-line">
        <h2>Keys</h2>
        <button type="button" class="quiet" onClick={() => (showsKeys.value = false)}>
          Close
        </button>
      </div>
      <dl>
        {keys.map(({ name, does }) => (
          <div key={name}>
            <dt>
              <kbd>{name}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
