import { expect, it } from 'vitest';
import { startLab } from '../../src/lab/start-lab.js';
import { waitMs } from '../support/waits.js';

it('pings are events at both ends, with what came of them', async () => {
  await using lab = await startLab({
    ...{ nodes: 1, timeScale: 20, keepalive: { agentsMs: 31_000, serversMs: 30_000 } },
  });
  const ends = [
    { node: 'server/server-1', peer: 'agent/node-1' },
    { node: 'agent/node-1', peer: 'server/server-1' },
  ];
  const withinMs = waitMs * 20;
  for (const end of ends)
    await lab.expectEvents(
      [
        { kind: 'ping.sent', ...end },
        { kind: 'ping.answered', ...end },
      ],
      { withinMs },
    );
  const since = lab.mark();
  using _ = lab.link('agent/*', 'server/*').fault({ do: 'drop' });
  await lab.expectEvents(
    [
      { kind: 'ping.sent', node: 'server/server-1' },
      { kind: 'ping.unanswered', ...ends[0] },
      { kind: 'backend.disconnected', node: 'server/server-1' },
    ],
    { since, withinMs },
  );
  expect(lab.events().filter(({ kind }) => kind === 'ping.unanswered').length).toBeGreaterThan(0);
});
