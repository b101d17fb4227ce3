import type { Exchange } from '../request/exchange.js';
import type { ResourceRoute } from '../request/route.js';
import { refuseFuture, revisionParameter, selectionOf } from '../request/selection.js';
import type { Facade } from '../serving/facade.js';
import { checkWatchOptions } from './list-options.js';
import { createPresenter } from './presenter.js';
import { WatchStream } from './watch-stream.js';

/** GET with `watch=true`: one JSON object per line, until the client leaves or the time limit ends. */
export async function handleWatch(facade: Facade, exchange: Exchange, route: ResourceRoute): Promise<void> {
  const { query } = exchange;
  checkWatchOptions(query);
  const presenter = createPresenter(route.resource, exchange, facade.now);
  const selected = selectionOf(route, query);
  const from = revisionParameter(query) ?? 0;
  refuseFuture(from, facade.store.revision);
  const done = facade.streams.open('watch');
  try {
    await new WatchStream({ facade, exchange, route, presenter, selected }).run(from);
  } finally {
    done();
  }
}
