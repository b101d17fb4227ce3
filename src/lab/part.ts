import { TunnelError } from '../core/errors.js';
import type { EventSink } from '../core/events.js';
import type { Fault } from '../links/fault.js';
import type { PresetName } from '../links/presets.js';
import type { LinkFaultDocument } from './lab-link.js';

/** One part of the lab, which can be killed and started again. */
export interface LabPart {
  /** `<role>/<name>`, such as `agent/node-1`. */
  readonly name: string;
  /** False after `kill`, until it is started again. */
  readonly running: boolean;
  /** Ends it without a warning to its peers, as SIGKILL does: streams and sockets break. Does nothing when it does not run. */
  kill(): Promise<void>;
  /**
   * Starts it again at its old addresses. Does nothing while it runs. Resolves when requests can pass it: an agent has
   * connected, a server has its agents back. Rejects with WAIT_TIMEOUT when that takes more than 30 s of lab time.
   */
  start(): Promise<void>;
  /** `kill`, then `start`. */
  restart(): Promise<void>;
}

/** A part of a lab that can be frozen, too. */
export interface FreezablePart extends LabPart {
  /**
   * Freezes it, as a stopped process or a node that hangs looks to its peers: its connections stay open, new ones are
   * accepted, and no byte passes on its links. Its own timers run on. A client of the API is frozen out only in a lab with the
   * option `apiservers`.
   */
  freeze(): void;
  /**
   * Sets a fault of this part, or on all links that lead to it or from it. Throws CONFIG_INVALID, whose text names the field,
   * LINK_NOT_FOUND, or NODE_NOT_FOUND when a part of this role cannot have it.
   */
  fault(fault: LinkFaultDocument | PresetName): Fault;
  /** Lets it go on: all that waited arrives, in order. Does nothing when it is not frozen. `lab.heal` thaws, too. */
  thaw(): void;
}

export interface PartOptions<T> {
  readonly name: string;
  readonly emit: EventSink;
  /** Starts it. The previous instance has stopped by then. */
  readonly start: () => Promise<T>;
  readonly stop: (running: T) => Promise<void>;
}

export class RestartablePart<T> implements LabPart {
  readonly name: string;
  private readonly options: PartOptions<T>;
  private current: T | undefined;

  constructor(options: PartOptions<T>) {
    this.name = options.name;
    this.options = options;
  }

  get running(): boolean {
    return this.current !== undefined;
  }

  /** The running instance. Throws NOT_READY while it does not run. */
  get value(): T {
    if (this.current !== undefined) return this.current;
    throw new TunnelError('NOT_READY', `${this.name} is not running`, { where: this.name });
  }

  async start(): Promise<void> {
    this.current ??= await this.options.start();
  }

  async kill(): Promise<void> {
    if (this.current === undefined) return;
    this.options.emit({ kind: 'role.killed', node: this.name });
    await this.stop();
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  /** As `kill`, for the orderly end of the lab. */
  async stop(): Promise<void> {
    const { current } = this;
    this.current = undefined;
    if (current !== undefined) await this.options.stop(current);
  }
}
