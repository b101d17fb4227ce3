import type { Facade } from '../facade.js';
import type { Exchange } from '../http/exchange.js';
import { checkWatchOptions } from './list-options.js';
import { createPresenter } from './presenter.js';
import type { ResourceRoute } from './route.js';
import { refuseFuture, revisionParameter, selectionOf } from './selection.js';
import { WatchStream } from './watch-stream.js';

/** GET with `watch=true`: one JSON object per line, until the client leaves or the time is up. */
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
