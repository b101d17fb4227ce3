import type { Container } from '../../kube/pod-objects.js';
import { imageName } from '../image-name.js';
import { counter } from './counter.js';
import { echo } from './echo.js';
import type { Program } from './program.js';
import { web } from './web.js';
import { webhook } from './webhook.js';

const idle: Program = {
  start: ({ container, log }) => log('stdout', `${container.name}: started, image ${container.image}\n`),
};

/** For containers whose spec has a command. */
export const noProgram: Program = { start: () => undefined };
/** Idle until a client attaches. */
const shell: Program = { start: () => undefined, isShell: true };

const programs: Readonly<Record<string, Program>> = {
  'konnsim/web': web,
  'konnsim/webhook': webhook,
  'konnsim/echo': echo,
  'konnsim/counter': counter,
  'konnsim/shell': shell,
};

/** Registry, tag and digest are ignored. Unknown images idle, but those with standard input are shells. */
export function programOf({ image, stdin }: Pick<Container, 'image' | 'stdin'>): Program {
  return programs[imageName(image)] ?? (stdin === true ? shell : idle);
}
