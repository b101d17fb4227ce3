import { isIP } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../src/core/random.js';
import type { Pod } from '../../../src/kube/pod-objects.js';
import {
  createTopology,
  maxHollowNodes,
  maxNodes,
  type Topology,
  type TopologyOptions,
} from '../../../src/lab/topology.js';

const make = (nodes: number, over: Partial<TopologyOptions> = {}): Topology =>
  createTopology({ nodes, random: createRandom(1), nowMs: 0, kubernetesVersion: '1.33.1', ...over });

describe('the topology of a lab', () => {
  it('has the same addresses for the first nodes, however many there are', () => {
    const { nodes, objects } = make(2);
    expect(nodes.map(({ ip }) => ip)).toEqual(['10.0.1.11', '10.0.1.12']);
    expect(objects.nodes.map(({ spec }) => spec.podCIDR)).toEqual(['10.244.1.0/24', '10.244.2.0/24']);
    expect(objects.pods.map(({ status }) => status.podIP)).toEqual([
      '10.244.1.10',
      '10.244.2.11',
      '10.244.1.12',
      '10.244.1.13',
      '10.244.2.14',
      '10.244.2.15',
    ]);
  });

  it.each([1, 239, 240, 241, 254, 256, maxNodes, maxHollowNodes])(
    'gives each of %i nodes and its pods addresses of their own',
    (count) => {
      const { nodes, objects } = make(count, { most: maxHollowNodes });
      const nodeIps = nodes.map(({ ip }) => ip);
      const podIps = objects.pods.map(({ status }) => status.podIP);
      expect(new Set(nodeIps).size).toBe(count);
      expect(new Set(podIps).size).toBe(objects.pods.length);
      expect([...nodeIps, ...podIps].filter((address) => isIP(address) !== 4)).toEqual([]);
      expect(nodeIps.filter((address) => /\.(0|255)$/.test(address))).toEqual([]);
      const ranges = new Map(objects.nodes.map(({ metadata, spec }) => [metadata.name, spec.podCIDR]));
      const isOutside = ({ spec, status }: Pod): boolean =>
        ranges.get(spec.nodeName) !== status.podIP.replace(/\d+$/, '0/24');
      expect(objects.pods.filter(isOutside)).toEqual([]);
    },
  );

  it('names nodes by a prefix, and places the same pods on them', () => {
    const { nodes, objects } = make(2, { namePrefix: 'edge' });
    expect(nodes.map(({ name }) => name)).toEqual(['edge-1', 'edge-2']);
    expect(objects.pods.map(({ spec, status }) => [spec.nodeName, status.podIP])).toEqual(
      make(2).objects.pods.map(({ spec, status }) => [spec.nodeName.replace('node', 'edge'), status.podIP]),
    );
  });

  it('refuses more nodes than it can have', () => {
    expect(() => make(maxNodes + 1)).toThrow('nodes must be a whole number from 1 to 1000, not 1001');
  });
});
