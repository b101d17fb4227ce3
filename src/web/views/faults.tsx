import { signal } from '@preact/signals';
import type { JSX } from 'preact';
import type { FaultOrder, PresetView, Reach } from '../../control/contract.js';
import type { FaultState } from '../model/state.js';
import { durationText, faultWords, isActive, placeText } from '../model/timers.js';
import { goLive } from '../player.js';
import { callApi } from '../source/api.js';
import { lab, second, source, state, theJournal } from '../store.js';
import { show } from './journal.js';

/** How long a fault that was removed is still shown, ms as its user sees them. */
const afterglowMs = 10_000;

const presets = signal<readonly PresetView[]>([]);
const choice = signal('idle-60s-drop');
const place = signal('agent/* → server/*');
const documentText = signal('');
const answer = signal<{ readonly text: string; readonly bad: boolean }>({ text: '', bad: false });

const examples: Readonly<Record<string, unknown>> = {
  drop: { do: 'drop' },
  'latency 200 ms': { do: { latency: { delay: '200ms' } } },
  reset: { do: 'reset' },
};

/** Faults: those that are set, and how to set one. It sets nothing but what the control API can. */
export function FaultsPanel(): JSX.Element {
  const faults = [...state.value.faults.values()].filter(
    ({ healedAt }) =>
      healedAt === undefined || second.value - healedAt < afterglowMs * (lab.value?.timeScale ?? 1),
  );
  const active = faults.filter(isActive).length;
  const live = source.value === 'live';
  if (live && presets.value.length === 0) void loadPresets();
  return (
    <section class="faults-panel" aria-label="Faults">
      <div class="head-line">
        <h2>Faults</h2>
        <span class="soft">{active === 0 ? 'none set' : `${active} active`}</span>
        {live && active > 0 && (
          <button type="button" class="quiet" onClick={() => void heal('/v1/faults')}>
            Heal all
          </button>
        )}
      </div>
      <div class="faults">
        {faults.map((fault) => (
          <FaultCard key={fault.id} fault={fault} live={live} />
        ))}
        {live && <AddFault />}
        <p class={answer.value.bad ? 'red' : 'soft'} role="status">
          {answer.value.text}
        </p>
      </div>
    </section>
  );
}

let isLoading = false;

async function loadPresets(): Promise<void> {
  if (isLoading) return;
  isLoading = true;
  const got = await callApi<PresetView[]>('GET', '/v1/faults/presets');
  if (got.ok) presets.value = got.value;
}

function FaultCard({ fault, live }: { readonly fault: FaultState; readonly live: boolean }): JSX.Element {
  const healed = !isActive(fault);
  return (
    <div class={healed ? 'fault healed' : 'fault'}>
      <div>
        <p class="name">
          <b>{fault.id}</b> on <code>{placeText(fault)}</code>
        </p>
        <p>
          {faultWords(fault)}. {healed ? 'Removed.' : <Hits fault={fault} />}
        </p>
      </div>
      {live && !healed && (
        <button
          type="button"
          aria-label={`Heal ${fault.id}`}
          onClick={() => void heal(`/v1/faults/${encodeURIComponent(fault.id)}`)}
        >
          Heal
        </button>
      )}
    </div>
  );
}

function Hits({ fault: { hits, lastHit, hitText } }: { readonly fault: FaultState }): JSX.Element {
  const event = lastHit === undefined ? undefined : theJournal().bySeq(lastHit);
  if (event === undefined) return <>Hit nothing yet.</>;
  return (
    <>
      Hit {hitText} at{' '}
      <button type="button" class="link" onClick={() => show(event)}>
        #{event.seq}
      </button>
      {hits > 1 ? `, ${hits} times` : ''}
    </>
  );
}

function AddFault(): JSX.Element {
  return (
    <form
      class="add"
      onSubmit={(event) => {
        event.preventDefault();
        void set();
      }}
    >
      <label for="fault-kind" class="sr">
        Fault
      </label>
      <select id="fault-kind" value={choice.value} onChange={(event) => pick(event.currentTarget.value)}>
        {presets.value.map(({ name, like }) => (
          <option key={name} value={name} title={like}>
            {name}
          </option>
        ))}
        {Object.keys(examples).map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
        <option value="">as text…</option>
      </select>
      <label for="fault-place" class="sr">
        Where
      </label>
      <select
        id="fault-place"
        value={place.value}
        onChange={(event) => (place.value = event.currentTarget.value)}
      >
        {places().map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
      {choice.value === '' && (
        <textarea
          aria-label="The fault as JSON"
          rows={3}
          spellcheck={false}
          value={documentText.value}
          onInput={(event) => (documentText.value = event.currentTarget.value)}
        />
      )}
      <button type="button" onClick={() => void check()}>
        What would be hit?
      </button>
      <button type="submit" class="primary">
        Set
      </button>
    </form>
  );
}

function places(): string[] {
  const lanes = [...state.value.tunnels.values()].map(({ agent, server }) => `${agent} → ${server}`);
  return ['agent/* → server/*', ...lanes.slice(0, 50)];
}

function pick(name: string): void {
  if (name === '') documentText.value = JSON.stringify(order() ?? {}, undefined, 1);
  choice.value = name;
}

/** What is to be set; undefined when the text is no JSON. */
function order(): FaultOrder | undefined {
  const [from = '', to = ''] = place.value.split(' → ');
  const example = examples[choice.value];
  if (example !== undefined) return { ...example, on: { from, to } } as FaultOrder;
  if (choice.value !== '') return { preset: choice.value, on: { from, to } } as FaultOrder;
  try {
    return JSON.parse(documentText.value) as FaultOrder;
  } catch {
    answer.value = { text: 'The text is no JSON.', bad: true };
    return undefined;
  }
}

async function set(): Promise<void> {
  const body = order();
  if (body === undefined) return;
  const got = await callApi('POST', '/v1/faults', body);
  // What was done is not to be seen in a moment of the past.
  if (got.ok) goLive();
  answer.value = got.ok ? { text: 'Set.', bad: false } : { text: `${got.detail}. ${got.hint}`, bad: true };
}

async function check(): Promise<void> {
  const body = order();
  if (body === undefined) return;
  const got = await callApi<Reach>('POST', '/v1/faults:check', body);
  if (!got.ok) {
    answer.value = { text: `${got.detail}. ${got.hint}`, bad: true };
    return;
  }
  const { links, flows, parts } = got.value;
  const open =
    flows.length === 0
      ? 'no open connection'
      : `the open connections ${flows.map(({ link }) => link).join(', ')}`;
  const on = [...parts, `${links.length} ${links.length === 1 ? 'link' : 'links'}`].join(', ');
  answer.value = { text: `It would be on ${on}, and could hit ${open}.`, bad: false };
}

async function heal(path: string): Promise<void> {
  const before = performance.now();
  const got = await callApi<{ removed: readonly string[] }>('DELETE', path);
  if (got.ok) goLive();
  answer.value = got.ok
    ? {
        text: `Removed ${got.value.removed.join(', ')} in ${durationText(Math.round(performance.now() - before))}.`,
        bad: false,
      }
    : { text: got.detail, bad: true };
}
