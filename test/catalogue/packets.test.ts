import { packetFaults } from './entries/packets.js';
import { describeEntries } from './run-entry.js';

describeEntries('faults of packets', packetFaults);
