import { networkFaults } from './entries/network.js';
import { describeEntries } from './run-entry.js';

describeEntries('faults of the network', networkFaults);
