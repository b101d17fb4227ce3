import type { JSX } from 'preact';
import { type Dial, type DialBelief, isZombie, nameOf, type Tunnel } from '../model/state.js';
import { chosenRequest, second, state } from '../store.js';

/** What each end believes, as tables: of the connections that agents hold, and of what goes through them. */
export function ConnectionsView(): JSX.Element {
  const { tunnels, dials } = state.value;
  return (
    <section class="connections" aria-label="Connections">
      <table class="list">
        <caption>Connections that agents opened</caption>
        <thead>
          <tr>
            <th scope="col">agent → server</th>
            <th scope="col">agent believes</th>
            <th scope="col">network</th>
            <th scope="col">server believes</th>
          </tr>
        </thead>
        <tbody>
          {[...tunnels.values()].slice(0, 100).map((tunnel) => (
            <TunnelRow key={`${tunnel.agent} ${tunnel.server}`} tunnel={tunnel} />
          ))}
        </tbody>
      </table>
      <table class="list">
        <caption>Dials and connections through them, newest first</caption>
        <thead>
          <tr>
            <th scope="col">request</th>
            <th scope="col">to</th>
            <th scope="col">frontend</th>
            <th scope="col">server</th>
            <th scope="col">agent</th>
          </tr>
        </thead>
        <tbody>
          {[...dials.values()]
            .toReversed()
            .slice(0, 50)
            .map((dial) => (
              <DialRow key={dial.dialId} dial={dial} />
            ))}
        </tbody>
      </table>
    </section>
  );
}

function TunnelRow({ tunnel }: { readonly tunnel: Tunnel }): JSX.Element {
  const zombie = isZombie(tunnel, state.value);
  const { cut, atAgent, atServer } = tunnel;
  return (
    <tr class={zombie ? 'warn' : ''}>
      <td>
        {nameOf(tunnel.agent)} → {nameOf(tunnel.server)} {zombie && <b class="red">zombie</b>}
      </td>
      <td>{atAgent === undefined ? '–' : `${atAgent.is} ${since(atAgent.since)}`}</td>
      <td>{cut === undefined ? 'passes' : `✕ ${cut.verdict}, ${since(cut.at)}`}</td>
      <td>{atServer === undefined ? '–' : `${atServer.is} ${since(atServer.since)}`}</td>
    </tr>
  );
}

const since = (t: number): string => `${Math.max(0, Math.round((second.value - t) / 1000))} s`;

const marks: Readonly<Record<DialBelief, string>> = {
  none: '–',
  dialing: '◐ dialing',
  open: '● open',
  gone: '○ gone',
};

function DialRow({ dial }: { readonly dial: Dial }): JSX.Element {
  const { request: id } = dial;
  return (
    <tr>
      <td>
        {id === undefined ? (
          `d:${dial.dialId.slice(-4)}`
        ) : (
          <button type="button" class="link" onClick={() => (chosenRequest.value = id)}>
            {id}
          </button>
        )}
      </td>
      <td>
        {dial.address} {dial.agent === undefined ? '' : `by ${nameOf(dial.agent)}`}
      </td>
      <td>{marks[dial.atFrontend]}</td>
      <td>{marks[dial.atServer]}</td>
      <td>{marks[dial.atAgent]}</td>
    </tr>
  );
}
