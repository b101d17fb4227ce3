import { capacityFaults } from './entries/capacity.js';
import { describeEntries } from './run-entry.js';

describeEntries('faults of capacity', capacityFaults);
