import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { expectAtRest, type OpenCounts, openNow, type TestCluster, useCluster } from '../kubectl/cluster.js';

/** A lab, and what the official JavaScript client needs to reach it. */
export interface ClientLab {
  readonly cluster: TestCluster;
  readonly config: KubeConfig;
  readonly core: CoreV1Api;
}

/** A lab for all tests of a file. When a test is over, nothing of it may be left anywhere in the lab. */
export function useClientLab(): () => ClientLab {
  const cluster = useCluster({ strategies: ['destHost'] });
  let config: KubeConfig | undefined;
  beforeAll(() => {
    config = new KubeConfig();
    config.loadFromString(cluster().lab.kubeconfig);
  });
  // A test that failed does not fail those after it.
  let openBefore: OpenCounts = {};
  beforeEach(() => {
    openBefore = openNow(cluster());
  });
  afterEach(() => expectAtRest(cluster(), openBefore));
  afterAll(() => {
    config = undefined;
  });
  return () => {
    if (config === undefined) throw new Error('no lab');
    return { cluster: cluster(), config, core: config.makeApiClient(CoreV1Api) };
  };
}
