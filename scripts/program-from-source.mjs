// The entry of a program's process when the sources run without a build.
import { runFromSource } from './run-from-source.mjs';

await runFromSource('containers/programs/main.ts', `program-${process.pid}`);
