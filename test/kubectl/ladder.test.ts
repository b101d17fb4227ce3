import { expect, it } from 'vitest';
import { describeEachKubectl } from '../support/kubectl.js';
import { isOldestOrNewest, preferredProtocol, requestsSince, useCluster, useKubectl } from './cluster.js';

const cluster = useCluster();

const tunnel = [
  // A packet with a long way shows its time instead of its ID.
  '├─+ DIAL_REQ (?:d:\\d+|\\+\\d+ms) ─*►│',
  '● destHost: agent node-. claims 10.0.1.1.\\n',
  '├─+ TCP connect ─+►│',
  '◄─* DIAL_RSP (?:c:\\d+|\\+\\d+ms) ─+┤',
];
const logSteps = ['├─+ log ─+►│', ...tunnel, 'logs /containerLogs/default/counter/counter', '✓ status 200 ●'];

/** Only the translator of WebSockets learns the exit code; a proxied SPDY connection just ends. */
function execSteps(protocol: string): string[] {
  const end = protocol === 'spdy' ? 'status 101' : 'exit 0';
  return [
    '├─+ exec ─+►│',
    `● /api/v1/namespaces/default/pods/shell/exec \\(${protocol}\\)`,
    ...tunnel,
    'exec /exec/default/shell/shell \\(spdy\\) ●',
    '● ✓ exit 0',
    `│◄─+ ${end} ─+┤`,
  ];
}

describeEachKubectl('the ladder of a request', (binary) => {
  const kubectl = useKubectl(binary, cluster);

  it.runIf(isOldestOrNewest(binary)).each([
    ['exec', ['exec', 'shell', '--', 'echo', 'hi']],
    ['log', ['logs', 'counter']],
  ])('is drawn from the client to the kubelet: %s', async (verb, args) => {
    const { lab } = cluster();
    const mark = lab.mark();
    expect((await kubectl().run(args)).code).toBe(0);
    await lab.settled();
    const { request = '' } = requestsSince(lab, mark).find((event) => event.verb === verb) ?? {};
    const ladder = lab.ladder(request);
    const [roles = '', names = ''] = ladder.split('\n');
    expect(roles.trim().split(/\s{2,}/)).toEqual(['ms', 'client', 'apiserver', 'server', 'agent', 'kubelet']);
    const steps = verb === 'exec' ? execSteps(preferredProtocol(binary, 'exec')) : logSteps;
    expect(ladder).toMatch(new RegExp(steps.join('[^]*')));
    expect(names.trim()).toMatch(/^kubernetes-admin\s+main\s+server-1\s+node-[12]\s+10\.0\.1\.1[12]:10250$/);
  });
});
