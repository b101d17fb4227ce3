import { counter } from './counter.js';
import { echo } from './echo.js';
import type { Program } from './program.js';
import { web } from './web.js';

/** Does nothing but be there. */
const idle: Program = {
  start: ({ container, log }) => log('stdout', `${container.name}: started, image ${container.image}\n`),
};

/** Idle until somebody attaches. */
const shell: Program = { start: () => undefined, isShell: true };

const programs: Readonly<Record<string, Program>> = {
  'konnsim/web': web,
  'konnsim/echo': echo,
  'konnsim/counter': counter,
  'konnsim/shell': shell,
};

/** The program of an image; registry, tag and digest do not matter. Unknown images idle. */
export function programOf(image: string): Program {
  const name = image
    .replace(/@.*$/, '')
    .replace(/:[^/:]*$/, '')
    .split('/')
    .slice(-2)
    .join('/');
  return programs[name] ?? idle;
}
