import type { Facade } from '../facade.js';
import type { Exchange } from '../http/exchange.js';
import { StatusError } from '../http/status.js';
import { createPresenter } from './presenter.js';
import type { ResourceRoute } from './route.js';
import { refuseFuture, revisionParameter, selectionOf } from './selection.js';
import { WatchStream } from './watch-stream.js';

/** GET with `watch=true`: one JSON object per line, until the client leaves or the time is up. */
export async function handleWatch(facade: Facade, exchange: Exchange, route: ResourceRoute): Promise<void> {
  const { query } = exchange;
  if (query.get('sendInitialEvents') === 'true') throw refuseInitialEvents();
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

/** Clients that ask for a streamed list fall back to list and watch on this answer. */
function refuseInitialEvents(): StatusError {
  const message =
    'sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled';
  return new StatusError(422, `ListOptions.meta.k8s.io "" is invalid: ${message}`, { reason: 'Invalid' });
}
