import { expect, it } from 'vitest';
import { describeEachKubectl } from '../support/kubectl.js';
import { preferredProtocol, useCluster, useKubectl } from './cluster.js';

const inFlight = 'rpc error: code = ResourceExhausted desc = maximum number of in-flight requests exceeded';
const refused = 'ResourceExhausted';
const cluster = useCluster({
  behaviours: [
    { kind: 'ClusterExec', metadata: { name: 'all' }, spec: { execs: [{ refused }] } },
    { kind: 'ClusterAttach', metadata: { name: 'all' }, spec: { attaches: [{ refused }] } },
    { kind: 'ClusterPortForward', metadata: { name: 'all' }, spec: { forwards: [{ refused }] } },
  ],
});

/**
 * client-go reads the body of a refused SPDY upgrade as YAML first. `rpc error: code = …` is a map there, and passes for
 * a Status that says nothing: so kubectl shows nothing of the container runtime's text.
 */
describeEachKubectl('a container runtime with too many streams', (binary) => {
  const kubectl = useKubectl(binary, cluster);
  const isTranslated = preferredProtocol(binary, 'exec') === 'websocket-v5';
  const shown = isTranslated
    ? `error: Internal error occurred: unable to upgrade connection: ${inFlight}\n`
    : 'Error from server: \n';

  it.each([
    ['exec', ['exec', 'shell', '--', 'echo']],
    ['attach', ['attach', 'web-1']],
  ])('refuses an %s', async (_verb, args) => {
    const { stderr, code } = await kubectl().run(args);
    expect(code).toBe(1);
    expect(stderr.endsWith(shown), stderr).toBe(true);
  });

  it('refuses a port-forward', async () => {
    const { stderr, code } = await kubectl().run(['port-forward', 'web-1', ':8080']);
    expect(code).toBe(1);
    expect(stderr).toBe('error: error upgrading connection: \n');
  });
});
