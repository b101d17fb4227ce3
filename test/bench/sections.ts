import { chainSection } from './chain-table.js';
import { enduranceSection } from './endurance.js';
import { execSection } from './exec.js';
import { connectionGrowth, nodeGrowth } from './growth.js';
import { hostileSection } from './hostile.js';
import { labsSection } from './labs.js';
import { longLinkSection } from './long-link.js';
import { memorySection } from './memory.js';
import { restartSection } from './restart.js';
import type { Section } from './section.js';
import { stoppedSection } from './stopped.js';
import { watchingSection } from './watching.js';

/** In the order in which they are measured. */
export const sections: readonly Section[] = [
  chainSection,
  stoppedSection,
  watchingSection,
  longLinkSection,
  execSection,
  labsSection,
  restartSection,
  connectionGrowth,
  nodeGrowth,
  hostileSection,
  memorySection,
  enduranceSection,
];

/** What `--only` may name. */
export const sectionNames: readonly string[] = sections.flatMap(({ name, cells = [] }) => [name, ...cells]);
