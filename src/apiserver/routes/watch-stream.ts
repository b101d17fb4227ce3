import { onAbort } from '../../streams/stream-ends.js';
import type { StreamSink } from '../http/stream-sink.js';
import type { RequestContext } from '../request/exchange.js';
import type { ResourceRoute } from '../request/route.js';
import { expired } from '../request/status.js';
import type { ApiObject, Predicate } from '../resources/api-object.js';
import type { Facade } from '../serving/facade.js';
import type { Change } from '../store/change.js';
import type { Presenter } from './presenter.js';

type WatchEventType = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';

export interface WatchSubject {
  readonly facade: Facade;
  readonly context: RequestContext;
  readonly sink: StreamSink;
  readonly route: ResourceRoute;
  readonly presenter: Presenter;
  readonly selected: Predicate;
}

/** kube-apiserver picks 30 to 60 minutes for watches that name no timeout. */
const defaultTimeoutS = 30 * 60;
const bookmarkEveryMs = 60_000;

/** A position in the store's history, not a queue: a slow client costs no memory. Too far behind: 410 Expired. */
export class WatchStream {
  private readonly subject: WatchSubject;
  /** Everything up to this revision has been sent. */
  private position = 0;
  private over = false;
  private bookmarkDue = false;
  private wake: () => void = () => undefined;

  constructor(subject: WatchSubject) {
    this.subject = subject;
  }

  /** Sends the changes after revision `from`; 0 means the present state first. Resolves when the watch has ended. */
  async run(from: number): Promise<void> {
    const { sink } = this.subject;
    if (!sink.begin('application/json')) return;
    const release = [this.armEnd(), this.armNudge(), this.armBookmarks()];
    try {
      this.position = from;
      if (from === 0) await this.sendPresent();
      await this.follow();
    } finally {
      for (const undo of release) undo();
      sink.end();
    }
  }

  private armEnd(): () => void {
    const { facade, context } = this.subject;
    const end = (): void => {
      this.over = true;
      this.wake();
    };
    const timeoutS = Number(context.query.get('timeoutSeconds') ?? 0) || defaultTimeoutS;
    const timer = facade.clock.after(timeoutS * 1000, end, true);
    context.signal.addEventListener('abort', end, { once: true });
    const forgetShutdown = onAbort(facade.lifecycle.draining, end);
    return () => {
      timer.cancel();
      forgetShutdown();
      context.signal.removeEventListener('abort', end);
    };
  }

  private armNudge(): () => void {
    return this.subject.facade.store.subscribe(() => this.wake());
  }

  private armBookmarks(): () => void {
    const { facade, context } = this.subject;
    if (context.query.get('allowWatchBookmarks') !== 'true') return () => undefined;
    const mark = (): void => {
      this.bookmarkDue = true;
      this.wake();
      timer = facade.clock.after(bookmarkEveryMs, mark, true);
    };
    let timer = facade.clock.after(bookmarkEveryMs, mark, true);
    return () => timer.cancel();
  }

  private async sendPresent(): Promise<void> {
    const { facade, route, selected } = this.subject;
    const objects = facade.store.list(route.resource, route.namespace).filter(selected);
    this.position = facade.store.revision;
    for (const object of objects) {
      if (this.ended || !(await this.send('ADDED', this.subject.presenter.event(object)))) return;
    }
  }

  private async follow(): Promise<void> {
    const { store } = this.subject.facade;
    while (!this.ended) {
      const change = store.nextChange(this.subject.route.resource, this.position);
      if (change === 'forgotten') {
        await this.sendExpired();
        return;
      }
      if (change === undefined) await this.idle(store.revision);
      else await this.sendChange(change);
    }
  }

  /** Waits for the next change. All changes of this kind up to `revision` have been sent. */
  private async idle(revision: number): Promise<void> {
    this.position = revision;
    if (this.bookmarkDue) {
      this.bookmarkDue = false;
      await this.send('BOOKMARK', this.subject.presenter.bookmark(revision));
      return;
    }
    await new Promise<void>((resolve) => {
      this.wake = resolve;
    });
  }

  private async sendChange(change: Change): Promise<void> {
    this.position = change.revision;
    const type = visibleType(change, this.subject.selected);
    if (type === undefined) return;
    await this.send(type, this.subject.presenter.event(visibleObject(change, type)));
  }

  private async sendExpired(): Promise<void> {
    const { status } = expired(
      `too old resource version: ${this.position} (${this.subject.facade.store.revision})`,
    );
    await this.send('ERROR', status);
  }

  private send(type: WatchEventType, object: object): Promise<boolean> {
    return this.subject.sink.write(`{"type":"${type}","object":${jsonOf(object)}}\n`);
  }

  private get ended(): boolean {
    return this.over || this.subject.context.signal.aborted;
  }
}

let latest: { readonly object: object; readonly json: string } | undefined;

/** All watches of a kind send the same object one after the other, so its JSON is made once for all of them. */
function jsonOf(object: object): string {
  if (latest?.object !== object) latest = { object, json: JSON.stringify(object) };
  return latest.json;
}

/** The event type for a watch with a selection: objects enter and leave it. */
function visibleType(change: Change, selected: Predicate): 'ADDED' | 'MODIFIED' | 'DELETED' | undefined {
  const before = change.previous !== undefined && selected(change.previous);
  const after = change.type !== 'DELETED' && selected(change.object);
  if (after) return before ? 'MODIFIED' : 'ADDED';
  return before ? 'DELETED' : undefined;
}

/** When an object leaves the selection, the watch gets its last selected state, with the revision of that change. */
function visibleObject(change: Change, type: WatchEventType): ApiObject {
  if (type !== 'DELETED' || change.previous === undefined) return change.object;
  const metadata = { ...change.previous.metadata, resourceVersion: String(change.revision) };
  return { ...change.previous, metadata };
}
