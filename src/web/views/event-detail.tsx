import type { JSX } from 'preact';
import { filterText, selectedSeq, theJournal } from '../store.js';

/** One event with all its fields. A click on a value filters by it. */
export function EventDetail(): JSX.Element | null {
  const seq = selectedSeq.value;
  const event = seq === undefined ? undefined : theJournal().bySeq(seq);
  if (event === undefined) return null;
  const fields = Object.entries(event).filter(([, value]) => value !== undefined);
  return (
    <div class="detail" aria-label={`Event ${event.seq}`}>
      <div class="head-line">
        <h3>#{event.seq} in full</h3>
        <button type="button" class="quiet" onClick={() => (selectedSeq.value = undefined)}>
          Close
        </button>
      </div>
      <dl>
        {fields.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <button
                type="button"
                class="row-link"
                title="Filter by this"
                onClick={() => (filterText.value = termOf(name, value))}
              >
                {String(value)}
              </button>
            </dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

function termOf(name: string, value: unknown): string {
  const text = String(value);
  return /[\s,"]/.test(text) ? `${name}:"${text.replaceAll('"', '*')}"` : `${name}:${text}`;
}
