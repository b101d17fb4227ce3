import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { KubectlBinary } from '../../support/kubectl.js';
import {
  expectAtRest,
  isOldestOrNewest,
  preferredProtocol,
  requestsSince,
  type TestCluster,
  useCluster,
  useKubectl,
} from '../cluster.js';
import type { Cell, CellBench } from './cell.js';
import { cells } from './cells.js';
import { restartedPod } from './cells-read.js';
import { findAllKubectls } from './kubectls.js';
import type { CellResult } from './results.js';

/** The selection of `npm run test:kubectl`. In `npm test` only cells that no other test file covers are run. */
const wish = inject('matrix');
const cluster = useCluster();
beforeAll(() => cluster().lab.restartContainer(restartedPod));

function isWanted(binary: KubectlBinary, cell: Cell): boolean {
  if (wish === undefined) return isOldestOrNewest(binary) && cell.coveredBy === undefined;
  const { only, versions } = wish;
  return (
    (only.length === 0 || only.includes(cell.name)) &&
    (versions.length === 0 || versions.includes(binary.version))
  );
}

/** The protocols of a verb's streams after a mark of the journal; streams that never began do not count. */
function wiresOf({ lab }: TestCluster, mark: number, wanted: string): readonly string[] {
  const begun = requestsSince(lab, mark).filter(({ verb, status }) => verb === wanted && status === 101);
  return [...new Set(begun.map(({ protocol = 'unknown' }) => protocol))];
}

for (const binary of findAllKubectls(wish !== undefined)) {
  const wanted = cells.filter((cell) => isWanted(binary, cell));
  for (const release of new Set(wanted.map((cell) => cell.release?.(binary)))) {
    const title = `kubectl ${binary.version}${release === undefined ? '' : ` and Kubernetes ${release}`}`;
    const some = wanted.filter((cell) => cell.release?.(binary) === release);
    describe(title, () => {
      defineColumn(
        binary,
        some,
        release === undefined ? cluster : useCluster({ kubernetesVersion: release }),
      );
    });
  }
}

function defineColumn(binary: KubectlBinary, wanted: readonly Cell[], cluster: () => TestCluster): void {
  const kubectl = useKubectl(binary, cluster);
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'konnsim-matrix-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const bench = (): CellBench => ({
    kubectl: kubectl(),
    cluster: cluster(),
    folder,
    name: (stem) => `${stem}-${binary.minor}`,
  });

  it.for(wanted)('$name', { timeout: 240_000 }, async (cell, { task }) => {
    const result: CellResult = { name: cell.name, version: binary.version, timeMs: 0, wires: [] };
    task.meta.cell = result;
    const limit = cell.limit?.applies(binary) === true ? cell.limit : undefined;
    const { lab } = cluster();
    const mark = lab.mark();
    const startedAt = performance.now();
    if (limit !== undefined) {
      result.reason = limit.reason;
      await limit.shows(bench());
      return;
    }
    await cell.run(bench());
    result.timeMs = performance.now() - startedAt;
    if (cell.stream === undefined) return;
    // The protocol of a stream is reported at its end, too.
    await kubectl().stopAll();
    await expectAtRest(cluster());
    result.wires = wiresOf(cluster(), mark, cell.stream);
    expect(result.wires, 'wires that the streams used').toEqual([preferredProtocol(binary, cell.stream)]);
  });
}
