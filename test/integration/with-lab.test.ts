import { describe, expect, it } from 'vitest';
import { type Lab, reportOf, startLab, withLab } from '../../src/index.js';
import { waitMs, within } from '../support/waits.js';

/** Options that keep the reports. */
function quiet(): { readonly nodes: 1; readonly reports: string[]; readonly print: (text: string) => void } {
  const reports: string[] = [];
  return { nodes: 1, reports, print: (text) => void reports.push(text) };
}

const isStopped = (lab: Lab | undefined): boolean | undefined => lab?.parts().every((part) => !part.running);

describe('withLab', () => {
  it('gives the body a lab, stops it, and resolves with the result', async () => {
    const { reports, ...options } = quiet();
    let used: Lab | undefined;
    const result = await withLab(options, async (lab) => {
      used = lab;
      return lab.exec('web-1', ['hostname']);
    });
    expect(result.stdout).toBe('web-1\n');
    expect(isStopped(used)).toBe(true);
    expect(reports).toEqual([]);
  });

  it('prints a report when the body fails, and rejects with its error', async () => {
    const { reports, ...options } = quiet();
    let used: Lab | undefined;
    const failure = new Error('the test failed');
    const run = withLab({ ...options, seed: 42, strategies: ['destHost'] }, async (lab) => {
      used = lab;
      await lab.part('agent/node-1').kill();
      await lab.waitFor({ kind: 'backend.disconnected' }, { withinMs: waitMs });
      await lab.exec('web-1', ['true']).catch(() => undefined);
      throw failure;
    });
    await expect(run).rejects.toBe(failure);
    expect(isStopped(used)).toBe(true);
    expect(reports).toHaveLength(1);
    expect(reports[0]).toContain(
      `lab with seed 42; again: startLab({ nodes: 1, seed: 42, strategies: [ 'destHost' ] })\nnot running: agent/node-1\n`,
    );
    expect(reports[0]).toMatch(/\nexec-1 failed:\n(?:.*\n)*last \d+ of \d+ events:\n/);
    expect(reports[0]).toMatch(/#\d+ .*role\.killed/);
  });

  it('rejects when the body leaves something open', async () => {
    const { reports, ...options } = quiet();
    const run = withLab(options, async (lab) => {
      await lab.portForward('web-1', 8080);
      const [node] = lab.nodes;
      await lab.dial(node?.ip ?? '', node?.kubeletPort ?? 0);
    });
    await expect(run).rejects.toMatchObject({ code: 'INVARIANT_BROKEN' });
    expect(reports[0]).toMatch(/\nopen: .*tunnelConnections 1/);
  });

  it('stops the lab when its signal aborts, and tells what was then', async () => {
    const { reports, ...options } = quiet();
    const controller = new AbortController();
    const { signal } = controller;
    const run = withLab({ ...options, signal }, async (lab) => {
      const never = lab.waitFor({ kind: 'agent.draining' }, { withinMs: waitMs });
      controller.abort(new Error('out of time'));
      await never;
    });
    await expect(within(run, 'end of the body')).rejects.toThrow('out of time');
    expect(reports).toHaveLength(1);
    expect(reports[0]).not.toContain('lab.stopped');
    await expect(withLab({ signal }, () => undefined)).rejects.toThrow('out of time');
  });
});

describe('the report of a lab', () => {
  it('shows the last events after a mark, also of a lab that has stopped', async () => {
    const lab = await startLab({ nodes: 1 });
    const since = lab.mark();
    await lab.exec('web-1', ['true']);
    await lab.stop();
    const report = reportOf(lab, { since, lastEvents: 2 });
    expect(report).toMatch(/\nlast 2 of \d+ events:\n {2}#\d+ [^\n]*\n {2}#\d+ [^\n]*lab\.stopped$/);
    expect(report).toContain('not running: apiserver/main, server/server-1, agent/node-1, kubelet/node-1');
    expect(reportOf(lab, { since: lab.mark() })).toMatch(/\nno events$/);
  });
});
