import { partFaults } from './entries/parts.js';
import { describeEntries } from './run-entry.js';

describeEntries('faults of names, identities, verbs and groups', partFaults);
