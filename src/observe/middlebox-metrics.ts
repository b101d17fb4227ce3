import type { MiddleboxCounts } from '../links/middlebox-counts.js';
import { MetricKit, type MetricsText } from './metric-kit.js';

/** The metrics of one middlebox, `konnsim_middlebox_…`. `counts` is called at each scrape. */
export function createMiddleboxMetrics(counts: () => MiddleboxCounts): MetricsText {
  const kit = new MetricKit('konnsim_middlebox');
  const single = (read: (now: MiddleboxCounts) => number) => () => [[[], read(counts())]] as const;
  kit.scraped(
    'gauge',
    { name: 'open_flows', help: 'Open flows, also forgotten ones that are not closed.' },
    single(({ openFlows }) => openFlows),
  );
  kit.scraped(
    'counter',
    { name: 'flows_total', help: 'Flows that were opened.' },
    single(({ openedFlows }) => openedFlows),
  );
  kit.scraped(
    'counter',
    { name: 'refused_flows_total', help: 'Connections whose target could not be reached.' },
    single(({ refusedFlows }) => refusedFlows),
  );
  kit.scraped(
    'counter',
    {
      name: 'forgotten_flows_total',
      help: 'Flows that were forgotten, by verdict.',
      labels: ['verdict'],
    },
    () => Object.entries(counts().forgottenFlows).map(([verdict, count]) => [[verdict], count] as const),
  );
  kit.scraped(
    'counter',
    { name: 'bytes_total', help: 'Payload bytes, by the side they came from.', labels: ['from'] },
    () => [
      [['client'], counts().clientBytes],
      [['target'], counts().targetBytes],
    ],
  );
  kit.scraped(
    'counter',
    { name: 'lost_bytes_total', help: 'Payload bytes that came for a forgotten flow.' },
    single(({ lostBytes }) => lostBytes),
  );
  return { text: () => kit.text() };
}
