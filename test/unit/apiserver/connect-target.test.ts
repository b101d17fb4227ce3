import { describe, expect, it } from 'vitest';
import { defaultAddressTypes, kubeletEndpoint } from '../../../src/apiserver/kubelet/endpoint.js';
import { StatusError } from '../../../src/apiserver/request/status.js';
import { type ConnectTarget, connectTarget } from '../../../src/apiserver/routes/connect-target.js';
import { createObjectStore } from '../../../src/apiserver/store/object-store.js';
import type { StreamingSubresource } from '../../../src/apiserver/streaming/streaming-handler.js';
import { ManualClock } from '../../../src/core/clock.js';
import { node, pod } from './objects.js';

const withInit = pod({ name: 'with-init', containers: ['a', 'b'] });
const store = createObjectStore(
  {
    nodes: [node('node-1')],
    pods: [
      pod({ name: 'web' }),
      pod({ name: 'floating', node: '' }),
      pod({ name: 'lost', node: 'gone' }),
      { ...withInit, spec: { ...withInit.spec, ...{ initContainers: [{ name: 'setup', image: 'x' }] } } },
    ],
  },
  new ManualClock(),
);

function target(kind: StreamingSubresource, name: string, query: string): ConnectTarget {
  const directory = { store, preferredAddressTypes: defaultAddressTypes };
  return connectTarget(directory, new URLSearchParams(query), { kind, namespace: 'default', name });
}

describe('an exec, attach or port-forward request', () => {
  it.each<[StreamingSubresource, string, string]>([
    [
      'exec',
      'command=sh&command=-c&command=a%20b&stdin=true&stdout=true&stderr=true',
      '/exec/default/web/main?command=sh&command=-c&command=a+b&error=1&input=1&output=1',
    ],
    [
      'exec',
      'command=ls&stdout=true&stdin=false&tty=true',
      '/exec/default/web/main?command=ls&output=1&tty=1',
    ],
    ['attach', 'command=ls&stdout=true', '/attach/default/web/main?output=1'],
    ['portforward', '', '/portForward/default/web'],
    ['portforward', 'ports=80&ports=81,82', '/portForward/default/web?port=80%2C81%2C82'],
  ])('%s with %s becomes %s at the kubelet', (kind, query, path) => {
    expect(target(kind, 'web', query)).toEqual({ endpoint: { host: 'node-1', port: 10250 }, path });
  });

  it.each<[StreamingSubresource, string, string, number, string]>([
    ['exec', 'zap', '', 404, 'pods "zap" not found'],
    ['exec', 'floating', '', 400, 'pod floating does not have a host assigned'],
    ['portforward', 'lost', '', 404, 'pods "gone" not found'],
    ['attach', 'web', 'container=zap', 400, 'container zap is not valid for pod web'],
    [
      'exec',
      'with-init',
      '',
      400,
      'a container name must be specified for pod with-init, choose one of: [a b] or one of the init containers: [setup]',
    ],
    ['portforward', 'web', 'ports=http', 400, 'strconv.ParseInt: parsing "http": invalid syntax'],
  ])('%s of %s?%s is refused with %d', (...row) => {
    const [kind, name, query, code, message] = row;
    const attempt = (): ConnectTarget => target(kind, name, query);
    expect(attempt).toThrow(StatusError);
    expect(attempt).toThrow(message);
    try {
      attempt();
    } catch (caught) {
      expect((caught as StatusError).status.code).toBe(code);
    }
  });

  it('may name an init container', () => {
    expect(target('exec', 'with-init', 'container=setup').path).toBe('/exec/default/with-init/setup');
  });
});

describe('the way to a kubelet', () => {
  const internal = { type: 'InternalIP', address: '10.0.1.11' } as const;
  it('prefers the host name, in any order', () => {
    const named = node('n', 10250, [internal, { type: 'Hostname', address: 'n' }]);
    expect(kubeletEndpoint(named, defaultAddressTypes).host).toBe('n');
    const bare = node('n', 10250, [{ type: 'ExternalIP', address: '192.0.2.1' }, internal]);
    expect(kubeletEndpoint(bare, defaultAddressTypes).host).toBe('10.0.1.11');
  });

  it('uses only the configured types, in their order', () => {
    const named = node('n', 10250, [{ type: 'Hostname', address: 'n' }, internal]);
    expect(kubeletEndpoint(named, ['ExternalIP', 'InternalIP', 'Hostname']).host).toBe('10.0.1.11');
    expect(() => kubeletEndpoint(named, ['ExternalIP'])).toThrow(
      'no preferred addresses found; known addresses: [{Hostname n} {InternalIP 10.0.1.11}]',
    );
  });

  it('uses port 10250 unless the node names one', () => {
    expect(kubeletEndpoint(node('n', 0), defaultAddressTypes).port).toBe(10250);
    expect(kubeletEndpoint(node('n', 12345), defaultAddressTypes).port).toBe(12345);
  });
});
