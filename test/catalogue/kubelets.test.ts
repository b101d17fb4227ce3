import { kubeletFaults } from './entries/kubelets.js';
import { describeEntries } from './run-entry.js';

describeEntries('faults of kubelets, streams and webhooks', kubeletFaults);
