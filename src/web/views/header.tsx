import { signal } from '@preact/signals';
import type { JSX } from 'preact';
import { durationText } from '../model/timers.js';
import { openFile } from '../open-file.js';
import { goLive, replays } from '../player.js';
import { fileName, lab, mode, now, page, second, source, state, theJournal } from '../store.js';

const theme = signal<'light' | 'dark' | undefined>(undefined);

/** Views, and what lab this is. */
export function Header(): JSX.Element {
  return (
    <header class="top">
      <div class="brand">konnectivity-sim</div>
      <nav aria-label="Views">
        <ViewButton to="map" name={source.value === 'file' ? 'Recording' : 'Live'} />
        <ViewButton to="explain" name="Explain" />
      </nav>
      <Facts />
      {source.value === 'live' && (
        <label class="wide check">
          <input
            type="checkbox"
            checked={replays.value}
            onChange={(event) => (replays.value = event.currentTarget.checked)}
          />
          Replay new requests
        </label>
      )}
      <label class="button quiet wide">
        Open a recording
        <input
          type="file"
          class="sr"
          accept=".ndjson,.jsonl,.json"
          onChange={(event) => void openFile(event.currentTarget.files?.[0])}
        />
      </label>
      <button
        type="button"
        class="quiet"
        aria-label="Theme: switch between dark and light"
        onClick={switchTheme}
      >
        Theme
      </button>
    </header>
  );
}

function ViewButton({ to, name }: { readonly to: 'map' | 'explain'; readonly name: string }): JSX.Element {
  return (
    <button
      type="button"
      class="tab"
      aria-current={page.value === to ? 'page' : undefined}
      onClick={() => (page.value = to)}
    >
      {name}
    </button>
  );
}

function Facts(): JSX.Element {
  const behind = theJournal().end - now.value;
  return (
    <div class="facts">
      {source.value === 'file' && <span>{fileName.value}</span>}
      <span class="wide">
        seed <b>{state.value.seed ?? lab.value?.seed ?? '?'}</b>
      </span>
      <span>
        lab time{' '}
        <b>
          {((mode.value === 'live' ? second.value : now.value) / 1000).toFixed(mode.value === 'live' ? 0 : 3)}{' '}
          s
        </b>
      </span>
      {lab.value !== undefined && lab.value.timeScale !== 1 && (
        <span class="wide">
          <b>{lab.value.timeScale}×</b> faster
        </span>
      )}
      {mode.value === 'live' ? (
        source.value === 'live' && <span class="live">● live</span>
      ) : (
        <button type="button" class="wide" onClick={goLive}>
          {source.value === 'file'
            ? 'To the end'
            : `Go live${behind > 1000 ? `, ${durationText(Math.round(behind / 100) * 100)} behind` : ''}`}
        </button>
      )}
    </div>
  );
}

function switchTheme(): void {
  const isDark = matchMedia('(prefers-color-scheme: dark)').matches;
  const next = (theme.value ?? (isDark ? 'dark' : 'light')) === 'dark' ? 'light' : 'dark';
  theme.value = next;
  document.documentElement.dataset['theme'] = next;
}
