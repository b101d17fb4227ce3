import { signal } from '@preact/signals';
import type { JSX } from 'preact';
import type { PartDeed } from '../../control/contract.js';
import { roleOf } from '../model/state.js';
import { goLive } from '../player.js';
import { callApi } from '../source/api.js';
import { source, state } from '../store.js';

const chosen = signal('');
const deed = signal<PartDeed>('kill');
const answer = signal('');

const deeds: readonly PartDeed[] = ['kill', 'start', 'freeze', 'thaw', 'restart'];

/** Does something to a part of a live lab. */
export function PartsPanel(): JSX.Element | null {
  if (source.value !== 'live') return null;
  const parts = [...state.value.parts.keys()].filter((id) =>
    ['agent', 'server', 'kubelet', 'apiserver'].includes(roleOf(id)),
  );
  const part = parts.includes(chosen.value)
    ? chosen.value
    : (parts.find((id) => roleOf(id) === 'agent') ?? '');
  return (
    <section class="parts-panel" aria-label="Parts">
      <div class="head-line">
        <h2>Parts</h2>
      </div>
      <form
        class="add parts"
        onSubmit={(event) => {
          event.preventDefault();
          void act(part);
        }}
      >
        <label for="part" class="sr">
          Part
        </label>
        <select id="part" value={part} onChange={(event) => (chosen.value = event.currentTarget.value)}>
          {parts.map((id) => (
            <option key={id}>{id}</option>
          ))}
        </select>
        <label for="deed" class="sr">
          What to do
        </label>
        <select
          id="deed"
          value={deed.value}
          onChange={(event) => (deed.value = event.currentTarget.value as PartDeed)}
        >
          {deeds.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
        <button type="submit">Do it</button>
      </form>
      <p class="red" role="status">
        {answer.value}
      </p>
    </section>
  );
}

async function act(part: string): Promise<void> {
  const got = await doTo(part, deed.value);
  answer.value = got ?? '';
}

/** Why it could not be done; undefined when it was. */
export async function doTo(part: string, what: PartDeed): Promise<string | undefined> {
  const [role = '', name = ''] = part.split('/');
  const got = await callApi('POST', `/v1/parts/${role}/${encodeURIComponent(name)}:${what}`, {});
  if (got.ok) goLive();
  return got.ok ? undefined : `${got.detail}. ${got.hint}`;
}
