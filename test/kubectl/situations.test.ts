import { describeEachKubectl, type KubectlBinary } from '../support/kubectl.js';
import { reviveParts, useCluster, useKubectl } from './cluster.js';
import { defineSituations, isRecorded } from './situation-run.js';

/** So fast that 30 s pass in 10, and so slow that no limit of 10 s ends on a busy machine. */
const timeScale = 3;
const cluster = useCluster({ timeScale });

describeEachKubectl('what kubectl shows', defineSuite, isRecorded);

function defineSuite(binary: KubectlBinary): void {
  const kubectl = useKubectl(binary, cluster);
  defineSituations(binary, ['SIGKILL'], () => ({
    kubectl,
    timeScale,
    signal: (part) => cluster().lab.part(part).kill(),
    revive: () => reviveParts(cluster().lab),
  }));
}
