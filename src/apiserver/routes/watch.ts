import type { StreamSink } from '../http/stream-sink.js';
import type { RequestContext } from '../request/exchange.js';
import type { ResourceRoute } from '../request/route.js';
import { refuseFuture, revisionParameter, selectionOf } from '../request/selection.js';
import type { Facade } from '../serving/facade.js';
import { checkWatchOptions } from './list-options.js';
import { createPresenter } from './presenter.js';
import { WatchStream } from './watch-stream.js';

/** GET with `watch=true`: one JSON object per line, until the client leaves or the time limit ends. */
export async function handleWatch(
  facade: Facade,
  context: RequestContext,
  { route, sink }: { readonly route: ResourceRoute; readonly sink: StreamSink },
): Promise<void> {
  const { query } = context;
  checkWatchOptions(query);
  const presenter = createPresenter(route.resource, context, facade.now);
  const selected = selectionOf(route, query);
  const from = revisionParameter(query) ?? 0;
  refuseFuture(from, facade.store.revision);
  const done = facade.streams.open('watch');
  try {
    await new WatchStream({ facade, context, sink, route, presenter, selected }).run(from);
  } finally {
    done();
  }
}
