import { signal } from '@preact/signals';
import type { JSX } from 'preact';
import { type Copies, copiesOf } from '../model/copy-as.js';
import { request, state } from '../store.js';

const said = signal('');

/** Copies what is shown, so that it can be had again: as a test, as commands, as curl; or the picture as SVG. */
export function CopyMenu(): JSX.Element {
  return (
    <span class="wide">
      <label for="copy" class="sr">
        Copy as
      </label>
      <select id="copy" value="" onChange={(event) => void pick(event.currentTarget)}>
        <option value="">{said.value === '' ? 'Copy as…' : said.value}</option>
        <option value="test">test code</option>
        <option value="cli">commands</option>
        <option value="curl">curl</option>
        <option value="map-svg">map as SVG</option>
        <option value="ladder-svg">ladder as SVG</option>
      </select>
    </span>
  );
}

async function pick(select: HTMLSelectElement): Promise<void> {
  const { value } = select;
  select.value = '';
  if (value === 'map-svg' || value === 'ladder-svg') saveSvg(value);
  else if (value !== '') await copy(copies()[value as keyof Copies]);
}

export const copies = (): Copies => copiesOf(state.value, request.value, location.origin);

export async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    said.value = 'Copied';
  } catch {
    said.value = 'The browser refused';
  }
  setTimeout(() => (said.value = ''), 2000);
}

/** The picture as a file of its own: with the styles that it has now. */
function saveSvg(id: string): void {
  const svg = document.getElementById(id);
  if (svg === null) return;
  const copied = svg.cloneNode(true) as SVGElement;
  copied.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  const [originals, clones] = [svg.querySelectorAll('*'), copied.querySelectorAll('*')];
  for (const [index, original] of originals.entries()) {
    const style = getComputedStyle(original);
    for (const name of [
      'fill',
      'stroke',
      'stroke-width',
      'stroke-dasharray',
      'font-family',
      'font-size',
      'font-weight',
      'text-anchor',
      'opacity',
    ])
      clones[index]?.setAttribute(name, style.getPropertyValue(name));
  }
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([copied.outerHTML], { type: 'image/svg+xml' }));
  link.download = `${id.replace('-svg', '')}.svg`;
  link.click();
  URL.revokeObjectURL(link.href);
}
