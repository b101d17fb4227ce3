import type { Upgrade } from '../../streams/types.js';
import { logForm, WebSocketSink, watchForm } from '../http/stream-sink.js';
import type { RequestContext } from '../request/exchange.js';
import type { Route } from '../request/route.js';
import { unknownPath } from '../request/status.js';
import { upgradeUse } from '../request/upgrade-use.js';
import type { Facade } from '../serving/facade.js';
import type { RequestEnd } from '../serving/request-report.js';
import { connectStream } from './connect.js';
import { handleLogs } from './logs.js';
import { handleWatch } from './watch.js';

/** Answers a request whose Upgrade header means something. Rejects with what failed before anything was written. */
export async function handleUpgrade(
  facade: Facade,
  context: RequestContext,
  route: Route,
  upgrade: Upgrade,
): Promise<RequestEnd> {
  if (route.kind !== 'resource') throw unknownPath();
  const use = upgradeUse(context, route);
  const { name, namespace } = route;
  if (use === 'watch') {
    const sink = new WebSocketSink(upgrade, watchForm, facade.clock);
    return overWebSocket(sink, handleWatch(facade, context, { route, sink }));
  }
  if (name === undefined) throw unknownPath();
  if (use === 'stream') return connectStream(facade, context, { route: { ...route, name }, upgrade });
  if (namespace === undefined) throw unknownPath();
  const sink = new WebSocketSink(upgrade, logForm, facade.clock);
  return overWebSocket(sink, handleLogs(facade, context, { namespace, name, sink }));
}

/** After the 101 there is no other answer than the end of the connection. */
async function overWebSocket(sink: WebSocketSink, work: Promise<void>): Promise<RequestEnd> {
  try {
    await work;
    return { status: sink.status };
  } catch (caught) {
    sink.abort();
    throw caught;
  }
}
