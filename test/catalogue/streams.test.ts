import { streamFaults } from './entries/streams.js';
import { describeEntries } from './run-entry.js';

describeEntries('faults of streams and webhooks', streamFaults);
