import { trustFaults } from './entries/trust.js';
import { describeEntries } from './run-entry.js';

describeEntries('faults of certificates, tokens and time', trustFaults);
