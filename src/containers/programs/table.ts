import type { Container } from '../../kube/pod-objects.js';
import { imageName } from '../image-name.js';
import { counter } from './counter.js';
import { echo } from './echo.js';
import type { Program } from './program.js';
import { web } from './web.js';
import { webhook } from './webhook.js';

/** Does nothing but be there. */
const idle: Program = {
  start: ({ container, log }) => log('stdout', `${container.name}: started, image ${container.image}\n`),
};

/** For containers whose spec says what runs. */
export const noProgram: Program = { start: () => undefined };

/** Idle until somebody attaches. */
const shell: Program = { start: () => undefined, isShell: true };

const programs: Readonly<Record<string, Program>> = {
  'konnsim/web': web,
  'konnsim/webhook': webhook,
  'konnsim/echo': echo,
  'konnsim/counter': counter,
  'konnsim/shell': shell,
};

/**
 * The program of an image; registry, tag and digest do not matter. Unknown images idle, but those that are given
 * standard input are shells: nothing else would be of use.
 */
export function programOf({ image, stdin }: Pick<Container, 'image' | 'stdin'>): Program {
  return programs[imageName(image)] ?? (stdin === true ? shell : idle);
}
