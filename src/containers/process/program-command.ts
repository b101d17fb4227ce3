import { fileURLToPath } from 'node:url';
import type { Container, Pod } from '../../kube/pod-objects.js';
import type { ProgramPlace } from '../programs/main.js';

export interface ProgramRun {
  readonly pod: Pod;
  readonly container: Container;
  readonly folder: string;
}

/** Without a build, as in tests, the process needs an entry file that loads TypeScript. */
const entry = import.meta.url.endsWith('.ts')
  ? '../../../scripts/program-from-source.mjs'
  : '../programs/main.js';

/** The command of a program of ours. Variables are in its environment, as those of any process of a container. */
export function programCommand({ pod, container, folder }: ProgramRun): readonly string[] {
  const { name, image, ports } = container;
  const place: ProgramPlace = {
    pod: {
      metadata: { name: pod.metadata.name, namespace: pod.metadata.namespace },
      spec: { nodeName: pod.spec.nodeName },
    },
    container: { name, image, ...(ports === undefined ? {} : { ports }) },
  };
  return [process.execPath, fileURLToPath(new URL(entry, import.meta.url)), JSON.stringify(place), folder];
}
