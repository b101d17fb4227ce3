import { TunnelError } from '../core/errors.js';
import type { EventSink } from '../core/events.js';
import type { Fault } from '../links/fault.js';
import type { PresetName } from '../links/presets.js';
import type { LinkFaultDocument } from './lab-link.js';

/** Options of `LabPart.stop`. */
export interface StopOptions {
  /** How long it waits for what is open, ms of lab time. Default 30 000, as Kubernetes waits for a pod. */
  readonly graceMs?: number;
}

const defaultGraceMs = 30_000;

/** One part of the lab, which can be killed and started again. */
export interface LabPart {
  /** `<role>/<name>`, such as `agent/node-1`. */
  readonly name: string;
  /** False after `kill` or `stop`, until it is started again. */
  readonly running: boolean;
  /** Ends it without a warning to its peers, as SIGKILL does: streams and sockets break. Does nothing when it does not run. */
  kill(): Promise<void>;
  /**
   * Ends it in order, as SIGTERM does: an agent drains, and ends with its last connection, but not within a second; a proxy-server takes no new frontends
   * and waits for those that are open; an API server is not ready any more, and waits for requests under way; a kubelet just
   * ends. What is open after `graceMs` is cut. Does nothing when it does not run.
   */
  stop(options?: StopOptions): Promise<void>;
  /**
   * Makes an agent ask its servers to choose others, while its open connections go on. It drains until it is started again.
   * Throws CONFIG_INVALID for other parts, and NOT_READY when it does not run.
   */
  drain(): void;
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
   * accepted, and no byte passes on its links. Its own timers run on.
   */
  freeze(): void;
  /**
   * Sets a fault of this part, or on all links that lead to it or from it. Throws CONFIG_INVALID, whose text names the field,
   * LINK_NOT_FOUND, or NODE_NOT_FOUND when a part of this role cannot have it.
   */
  fault(fault: LinkFaultDocument | PresetName): Fault;
  /** Lets it go on: all that waited arrives, in order. Does nothing when it is not frozen. `lab.heal` thaws, too. */
  thaw(): void;
  /** True from `freeze` until `thaw`. */
  readonly frozen: boolean;
}

export interface PartOptions<T> {
  readonly name: string;
  readonly emit: EventSink;
  /** Starts it. The previous instance has stopped by then. */
  readonly start: () => Promise<T>;
  readonly stop: (running: T) => Promise<void>;
  /** Readies it for an orderly end, and resolves when nothing is open, or after `graceMs`. Default: at once. */
  readonly leave?: (running: T, graceMs: number) => Promise<void>;
  /** Default: it cannot be drained. */
  readonly drain?: (running: T) => void;
}

export class RestartablePart<T> implements LabPart {
  readonly name: string;
  private readonly options: PartOptions<T>;
  private current: T | undefined;
  private starting: Promise<void> | undefined;
  private isClosed = false;

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
    if (this.isClosed || this.running) return;
    this.starting ??= this.begin().finally(() => {
      this.starting = undefined;
    });
    await this.starting;
  }

  async kill(): Promise<void> {
    if (this.current === undefined) return;
    this.options.emit({ kind: 'role.killed', node: this.name });
    await this.end();
  }

  async stop({ graceMs = defaultGraceMs }: StopOptions = {}): Promise<void> {
    const { current } = this;
    if (current === undefined) return;
    await this.options.leave?.(current, graceMs);
    // It may have been killed meanwhile, and started again.
    if (this.current === current) await this.end();
  }

  drain(): void {
    const { drain } = this.options;
    if (drain === undefined) {
      throw new TunnelError('CONFIG_INVALID', `${this.name} cannot drain; agents can`, { where: this.name });
    }
    drain(this.value);
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  /** Ends it for good, also when a fault that is healed starts it now. */
  async close(): Promise<void> {
    this.isClosed = true;
    await this.starting?.catch(() => undefined);
    await this.end();
  }

  private async begin(): Promise<void> {
    this.current = await this.options.start();
  }

  /** As `kill`, without a word. */
  async end(): Promise<void> {
    const { current } = this;
    this.current = undefined;
    if (current !== undefined) await this.options.stop(current);
  }
}
