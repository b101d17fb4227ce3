import type { Container } from '../../kube/pod-objects.js';
import { imageName } from '../image-name.js';

/** The command of a container that has nothing to run: sleeps for 68 years. */
const pause = ['sleep', '2147483647'];
const shell = ['sh'];
const tick = 'i=0; while :; do i=$((i+1)); echo "$i: $(date -u +%Y-%m-%dT%H:%M:%SZ) tick"; sleep 1; done';

/** The lab's images that have a program here. No image is ever pulled. */
const programs: Readonly<Record<string, readonly string[]>> = {
  'konnsim/counter': ['sh', '-c', tick],
  'konnsim/shell': shell,
};

/** Programs of ours that serve ports: see `programs/`. */
const serving = new Set(['konnsim/web', 'konnsim/echo', 'konnsim/webhook']);

/**
 * The spec's command, or the program of its image; undefined for our programs that serve. Unknown images pause; those with
 * standard input are shells.
 */
export function commandOf(container: Container): readonly string[] | undefined {
  const { command = [], args = [], image } = container;
  const own = command.length > 0 ? [...command, ...args] : args.length > 0 ? args : undefined;
  if (own !== undefined) return own;
  const name = imageName(image);
  if (serving.has(name)) return undefined;
  // A shell without input would end at once, and be started for ever.
  if (name === 'konnsim/shell' && container.stdin !== true) return pause;
  return programs[name] ?? (container.stdin === true ? shell : pause);
}
