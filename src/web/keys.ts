import { signal } from '@preact/signals';
import { goLive, playOrPause, step, toStart } from './player.js';
import { page } from './store.js';
import { asTable } from './views/steps-switch.js';

export const showsKeys = signal(false);

/** Keys and what they do; the help is made of the same list. */
export const keys: readonly {
  readonly key: string;
  readonly name: string;
  readonly does: string;
  readonly run: () => void;
}[] = [
  { key: ' ', name: 'space', does: 'play or pause', run: playOrPause },
  { key: 'ArrowRight', name: '→', does: 'next step', run: () => step(1) },
  { key: 'ArrowLeft', name: '←', does: 'step back', run: () => step(-1) },
  { key: 'Home', name: 'Home', does: 'to the start of the request', run: toStart },
  { key: 'End', name: 'End', does: 'go live', run: goLive },
  { key: '/', name: '/', does: 'filter the journal', run: () => focus('filter') },
  { key: 't', name: 'T', does: 'steps as a table', run: () => (asTable.value = !asTable.value) },
  {
    key: 'e',
    name: 'E',
    does: 'explain, and back',
    run: () => (page.value = page.value === 'map' ? 'explain' : 'map'),
  },
  { key: 'f', name: 'F', does: 'faults', run: () => focus('fault-kind') },
  { key: 'c', name: 'C', does: 'console', run: () => focus('command') },
  { key: '?', name: '?', does: 'these keys', run: () => (showsKeys.value = !showsKeys.value) },
];

function focus(id: string): void {
  document.getElementById(id)?.focus();
}

/** No key has a meaning while a text box has the focus, and space and arrows belong to buttons and lists that have it. */
export function listenToKeys(): void {
  addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { target } = event;
    const isText =
      target instanceof HTMLElement && target.matches('input:not([type=checkbox]), textarea, select');
    if (event.key === 'Escape') {
      showsKeys.value = false;
      if (isText) target.blur();
      return;
    }
    if (
      isText ||
      (event.key === ' ' && target instanceof HTMLElement && target.matches('button, [tabindex]'))
    )
      return;
    const found = keys.find(({ key }) => key === event.key);
    if (found === undefined) return;
    event.preventDefault();
    found.run();
  });
}
