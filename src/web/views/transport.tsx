import type { JSX } from 'preact';
import { resultOf, titleOf } from '../model/requests.js';
import { durationText } from '../model/timers.js';
import { goLive, playOrPause, seek, speed, step, toStart } from '../player.js';
import { chosenRequest, mode, page, request, requests, source, theJournal } from '../store.js';
import { CopyMenu } from './copy-menu.js';
import { scaleChoice, toScale } from './ladder.js';
import { asTable } from './steps-switch.js';

/** Chooses a request, and moves through its time. */
export function Transport(): JSX.Element {
  const picked = request.value;
  return (
    <div class="bar">
      <label for="req" class="sr">
        Request
      </label>
      <select id="req" value={picked?.id ?? ''} onChange={(event) => choose(event.currentTarget.value)}>
        {requests.value.length === 0 && <option value="">no request yet</option>}
        {requests.value
          .slice(-100)
          .toReversed()
          .map((one) => (
            <option key={one.id} value={one.id}>
              {one.id}, {titleOf(one)}
            </option>
          ))}
      </select>
      <Result />
      <span class="push" />
      <Steps />
      <Speed />
      <button
        type="button"
        class="wide"
        aria-pressed={!toScale.value}
        onClick={() => (scaleChoice.value = !toScale.value)}
      >
        Even steps
      </button>
      <button
        type="button"
        class="wide"
        aria-pressed={asTable.value}
        onClick={() => (asTable.value = !asTable.value)}
      >
        Table
      </button>
      <CopyMenu />
    </div>
  );
}

function Steps(): JSX.Element {
  return (
    <>
      <button type="button" class="icon" aria-label="To the start (Home)" onClick={toStart}>
        <Icon d="M3 3h2v10H3zM13 3v10L6 8z" />
      </button>
      <button type="button" class="icon" aria-label="Step back (←)" onClick={() => step(-1)}>
        <Icon d="M12 3v10L5 8z" />
      </button>
      <button
        type="button"
        class="primary play"
        aria-label={mode.value === 'playing' ? 'Pause (space)' : 'Play (space)'}
        onClick={playOrPause}
      >
        <Icon d={mode.value === 'playing' ? 'M4 3h3v10H4zM9 3h3v10H9z' : 'M4 2l10 6-10 6z'} />
        {mode.value === 'playing' ? 'Pause' : 'Play'}
      </button>
      <button type="button" class="icon" aria-label="Step (→)" onClick={() => step(1)}>
        <Icon d="M4 3v10l7-5zM12 3h2v10h-2z" />
      </button>
    </>
  );
}

function Speed(): JSX.Element {
  return (
    <>
      <label for="spd" class="sr">
        Speed
      </label>
      <select
        id="spd"
        value={String(speed.value)}
        onChange={({ currentTarget: { value } }) => {
          speed.value = value === 'even' ? 'even' : Number(value);
        }}
      >
        <option value="even">step by step</option>
        <option value="0.001">1000× slower</option>
        <option value="0.01">100× slower</option>
        <option value="0.1">10× slower</option>
        <option value="1">lab time</option>
        <option value="10">10× faster</option>
      </select>
    </>
  );
}

export function choose(id: string): void {
  chosenRequest.value = id;
  const picked = theJournal().requests.get(id);
  if (picked === undefined) return;
  if (source.value === 'live' && picked.end === undefined) goLive();
  else seek(picked.end ?? picked.start);
}

function Result(): JSX.Element | null {
  const picked = request.value;
  if (picked === undefined) return null;
  const failed = picked.outcome === 'failed';
  const took = picked.end === undefined ? '' : ` after ${durationText(picked.end - picked.start)}`;
  return (
    <span class={failed ? 'result red' : 'result soft'}>
      {failed ? '✕ failed' : picked.outcome === 'done' ? `✓ ${resultOf(picked)}` : '… under way'}
      {took}
      {failed && (
        <button type="button" class="small" onClick={() => (page.value = 'explain')}>
          Explain
        </button>
      )}
    </span>
  );
}

function Icon({ d }: { readonly d: string }): JSX.Element {
  return (
    <svg viewBox="0 0 16 16" aria-hidden="true">
      <path d={d} />
    </svg>
  );
}
