import type { MiddleboxCounts } from '../links/counts.js';
import { MetricKit, type MetricsText } from './metric-kit.js';

/** The metrics of one middlebox, `konnsim_middlebox_…`. `counts` is called at each scrape. */
export function createMiddleboxMetrics(counts: () => MiddleboxCounts): MetricsText {
  const kit = new MetricKit('konnsim_middlebox');
  const single = (read: (now: MiddleboxCounts) => number) => () => [[[], read(counts())]] as const;
  kit.asked(
    'gauge',
    { name: 'open_flows', help: 'Open flows, also forgotten ones that are not closed.' },
    single(({ openFlows }) => openFlows),
  );
  kit.asked(
    'counter',
    { name: 'flows_total', help: 'Flows that were opened.' },
    single(({ openedFlows }) => openedFlows),
  );
  kit.asked(
    'counter',
    { name: 'refused_flows_total', help: 'Connections whose target could not be reached.' },
    single(({ refusedFlows }) => refusedFlows),
  );
  kit.asked(
    'counter',
    {
      name: 'forgotten_flows_total',
      help: 'Flows that were forgotten, by verdict.',
      labels: ['verdict'],
    },
    () => Object.entries(counts().forgottenFlows).map(([verdict, count]) => [[verdict], count] as const),
  );
  kit.asked(
    'counter',
    { name: 'bytes_total', help: 'Payload bytes, by the side they came from.', labels: ['from'] },
    () => [
      [['client'], counts().clientBytes],
      [['target'], counts().targetBytes],
    ],
  );
  kit.asked(
    'counter',
    { name: 'lost_bytes_total', help: 'Payload bytes that came for a forgotten flow.' },
    single(({ lostBytes }) => lostBytes),
  );
  return { text: () => kit.text() };
}
