import type { JSX } from 'preact';
import { bytesText } from '../../observe/event-text.js';
import { familyOf } from '../model/hops.js';
import type { LadderLane } from '../model/ladder.js';
import { mode, now, request } from '../store.js';
import { ladder, laneTitles } from './ladder.js';
import { Mark } from './marks.js';

/** The same as a table: for a phone, for a screen reader, and with reduced motion. */
export function StepsTable(): JSX.Element | null {
  const shown = ladder.value;
  if (shown === undefined) return null;
  const current = mode.value === 'live' ? undefined : shown.hops.findLast(({ hop }) => hop.t <= now.value);
  return (
    <table class="steps">
      <caption class="sr">Steps of {request.value?.id}</caption>
      <thead>
        <tr>
          <th scope="col">ms</th>
          <th scope="col">from → to</th>
          <th scope="col">packet</th>
        </tr>
      </thead>
      <tbody>
        {shown.hops.map((step) => (
          <tr key={step.passage.seq} aria-current={step === current ? 'step' : undefined}>
            <td class="n">{(step.hop.t - shown.start).toFixed(1)}</td>
            <td>
              {nameOfLane(step.from)} → {nameOfLane(step.to)}
            </td>
            <td class={step.lost ? 'red' : familyOf(step.hop.packet)}>
              <svg class="gi" viewBox="-7 -7 14 14" aria-hidden="true">
                <Mark packet={step.hop.packet} lost={step.lost} />
              </svg>{' '}
              {step.hop.packet} {step.hop.bytes > 0 ? bytesText(step.hop.bytes) : ''}{' '}
              {step.lost ? 'lost' : ''}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function nameOfLane(lane: LadderLane): string {
  const asks = request.value?.frontend ?? request.value?.node;
  return lane === 'frontend' && asks?.startsWith('client/') === true ? 'client' : laneTitles[lane];
}
