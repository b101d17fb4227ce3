import type { Command } from '../command.js';
import { tarJob } from './arguments.js';
import { createArchive } from './create.js';
import { extractArchive } from './extract.js';

/** Archives to standard output and from standard input, as they stream. Other uses are the shell library's. */
export const tar: Command = {
  accepts: (args) => tarJob(args) !== undefined,
  async run(process) {
    const job = tarJob(process.args);
    if (job === undefined) return 2;
    return job.kind === 'create' ? createArchive(process, job) : extractArchive(process, job);
  },
};
