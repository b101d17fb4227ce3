import { kubeletAnswers } from './entries/kubelet-answers.js';
import { describeEntries } from './run-entry.js';

describeEntries('answers of kubelets', kubeletAnswers);
