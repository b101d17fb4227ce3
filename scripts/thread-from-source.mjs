// The entry of a container's thread when the sources run without a build.
import { threadId } from 'node:worker_threads';
import { runFromSource } from './run-from-source.mjs';

await runFromSource('containers/threads/thread-main.ts', `thread-${process.pid}-${threadId}`);
