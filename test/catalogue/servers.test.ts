import { serverFaults } from './entries/servers.js';
import { describeEntries } from './run-entry.js';

describeEntries('faults of servers', serverFaults);
