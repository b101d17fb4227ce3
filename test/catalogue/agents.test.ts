import { agentFaults } from './entries/agents.js';
import { describeEntries } from './run-entry.js';

describeEntries('faults of agents', agentFaults);
