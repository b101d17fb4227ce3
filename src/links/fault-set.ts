import type { Clock } from '../core/clock.js';
import { TunnelError } from '../core/errors.js';
import type { EventBody, EventSink } from '../core/events.js';
import type { OpenPath } from '../core/packet-path.js';
import type { Random } from '../core/random.js';
import { type Edge, edgeText } from './edge.js';
import type { Fault, FaultReach, LinkView } from './fault.js';
import type { FaultDocument } from './fault-document.js';
import { checkLinks, checkPackets, checkParts } from './fault-places.js';
import { type FaultPlan, type LinkPlan, type PacketPlan, type PartPlan, planFault } from './fault-plan.js';
import type { Deed, FaultPoints, Occasion, PartSettings } from './fault-points.js';
import { type Ground, linkViews, reachOf } from './fault-reach.js';
import type { FlowSide } from './flow.js';
import { LinkFault, type LinkFlow } from './link-fault.js';
import { PacketFault } from './packet-fault.js';
import { PacketFlow } from './packet-flow.js';
import { type Offer, PartFault } from './part-fault.js';
import type { PartFaultName } from './part-faults/part-faults.js';
import type { PresetName } from './presets.js';

export interface FaultSetOptions {
  /** Who reports events: `lab/lab`, `middlebox/edge`. */
  readonly node: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly emit: EventSink;
  /** The links that exist, so that a fault on no link is an error. Default: any link may exist. */
  readonly edges?: () => Iterable<Edge>;
  /** The connect IDs of the tunnel connections that pass a link now. Default: none are known. */
  readonly carried?: (edge: Edge) => readonly string[];
}

/** A part that can have faults. */
export interface FaultyPart {
  readonly name: string;
  /** What is done to it from outside. */
  readonly deeds: { readonly [K in PartFaultName]?: Deed<K> };
}

/** What the links do for their faults. */
export interface LinkSide {
  readonly flows: () => Iterable<LinkFlow>;
  /** A fault lets new connections pass again. */
  readonly calm: (fault: LinkFault) => void;
}

/** Longer chains of faults that begin at each other's events go on a little later, so that all else goes on, too. */
const maxChain = 3;
const chainPauseMs = 1;

/** All faults that are on, in the order in which they were set. */
export class FaultSet {
  private readonly options: FaultSetOptions;
  private readonly linkSide: LinkSide;
  private readonly faults = new Set<LinkFault | PartFault | PacketFault>();
  private readonly streams = new Set<PacketFlow>();
  private readonly offers = new Set<Offer>();
  private parts: () => Iterable<FaultyPart> = () => [];
  private numbers = 0;
  /** How many faults have begun, each at an event that the one before has caused. */
  private chain = 0;
  private isClosed = false;
  /** Faults whose turn in such a chain is later. */
  private readonly paused = new Set<LinkFault | PartFault | PacketFault>();

  constructor(options: FaultSetOptions, linkSide: LinkSide) {
    this.options = options;
    this.linkSide = linkSide;
  }

  /** All of them. */
  get active(): readonly Fault[] {
    return [...this.faults];
  }

  /** Those on links. */
  get onLinks(): readonly LinkFault[] {
    return [...this.faults].filter((fault) => fault instanceof LinkFault);
  }

  /** Sets a fault; `on` goes before that of the document. Throws CONFIG_INVALID, LINK_NOT_FOUND, NODE_NOT_FOUND or LAB_STOPPED. */
  set(document: FaultDocument | PresetName, on?: FaultPlan['on']): Fault {
    if (this.isClosed)
      throw new TunnelError('LAB_STOPPED', 'no fault can be set any more', { where: 'links' });
    const plan = planFault(document, on);
    const id = this.idOf(plan);
    const fault = this.create(id, plan);
    this.faults.add(fault);
    fault.begin();
    return fault;
  }

  /** What a fault would be on, and could hit, now. It is not set. Throws as `set`. */
  reach(document: FaultDocument | PresetName): FaultReach {
    const plan = planFault(document);
    return reachOf(plan, this.create('', plan), this.ground());
  }

  /** The links that exist, and those that have come into being with a dial. A large lab has very many. */
  links(isWanted: (edge: Edge) => boolean): Iterable<LinkView> {
    const onLinks = [...this.faults].filter((fault) => !(fault instanceof PartFault));
    return linkViews(this.ground(), onLinks, isWanted);
  }

  /** Names the parts that can have faults. Without them a fault of a part is an error. */
  attend(parts: () => Iterable<FaultyPart>): void {
    this.parts = parts;
  }

  /** Removes all faults. */
  heal(): void {
    for (const fault of [...this.faults]) fault.remove();
  }

  /** Removes all faults, and takes no more: their timers would run on. */
  close(): void {
    this.isClosed = true;
    this.heal();
  }

  /** Tells the faults of an event. */
  see(event: EventBody): void {
    for (const fault of this.faults) if (fault.beginsAt(event)) this.follow(fault);
  }

  /** Where the part of this name meets its faults. */
  points(part: string): FaultPoints {
    return {
      meet: (kind, occasion = {}, matches = () => true) => this.meet(part, kind, { occasion, matches }),
      offer: (kind, deed, occasion = {}, matches = () => true) =>
        this.offer({ part, kind, deed, occasion, matches }),
      path: (edge, ours) => this.path(edge, ours),
    };
  }

  /** The path of each new stream of packets of a link. `ours` is the end that is here. */
  path(edge: Edge, ours: FlowSide): OpenPath {
    return (stream, handle) => {
      const { clock } = this.options;
      const closed = (over: PacketFlow): void => {
        this.streams.delete(over);
        for (const fault of this.onPackets) fault.left(over);
      };
      const flow = new PacketFlow({ edge, ours, clock, stream, handle, closed });
      this.streams.add(flow);
      for (const fault of this.onPackets) fault.joined(flow);
      return flow;
    };
  }

  /** A fault begins after its event, whose own part is still at work. */
  private follow(fault: LinkFault | PartFault | PacketFault): void {
    const isLong = this.chain >= maxChain;
    const chain = isLong ? 0 : this.chain + 1;
    const begin = (): void => {
      this.paused.delete(fault);
      this.chain = chain;
      try {
        fault.beginNow();
      } finally {
        this.chain = 0;
      }
    };
    if (!isLong) return queueMicrotask(begin);
    if (this.paused.has(fault)) return;
    this.paused.add(fault);
    this.options.clock.after(chainPauseMs, begin);
  }

  private get onPackets(): readonly PacketFault[] {
    return [...this.faults].filter((fault) => fault instanceof PacketFault);
  }

  private create(id: string, plan: FaultPlan): LinkFault | PartFault | PacketFault {
    if (plan.level === 'link') return this.linkFault(id, plan);
    return plan.level === 'part' ? this.partFault(id, plan) : this.packetFault(id, plan);
  }

  private meet<K extends PartFaultName>(
    part: string,
    kind: K,
    { occasion, matches }: { occasion: Occasion; matches: (settings: PartSettings<K>) => boolean },
  ): PartSettings<K> | undefined {
    // Most labs have no fault, and this is asked often.
    if (this.faults.size === 0) return undefined;
    for (const fault of this.faults) {
      if (!(fault instanceof PartFault) || fault.plan.name !== kind) continue;
      const settings = fault.plan.settings as PartSettings<K>;
      if (matches(settings) && fault.meets(part, occasion)) return settings;
    }
    return undefined;
  }

  private offer<K extends PartFaultName>(
    own: Omit<Offer, 'deed' | 'kind' | 'matches'> & {
      readonly kind: K;
      readonly deed: Deed<K>;
      readonly matches: (settings: PartSettings<K>) => boolean;
    },
  ): () => void {
    const offer = own as Offer;
    this.offers.add(offer);
    for (const fault of [...this.faults]) if (fault instanceof PartFault) fault.offered(offer);
    return () => this.offers.delete(offer);
  }

  private idOf({ id: given }: FaultPlan): string {
    const isTaken = (name: string): boolean => [...this.faults].some((fault) => fault.id === name);
    let id = given ?? `fault-${++this.numbers}`;
    while (given === undefined && isTaken(id)) id = `fault-${++this.numbers}`;
    if (!isTaken(id)) return id;
    throw new TunnelError('CONFIG_INVALID', `a fault called ${id} is on already`, { where: 'links' });
  }

  private linkFault(id: string, plan: LinkPlan): LinkFault {
    const { clock, random, emit, node } = this.options;
    const fault = new LinkFault(id, plan, {
      clock,
      random,
      flows: this.linkSide.flows,
      carriedBy: (flow) => this.carriedBy(flow),
      tell: (event) => emit({ node, ...event }),
      calm: this.linkSide.calm,
      over: (over) => {
        this.faults.delete(over);
        this.linkSide.calm(over);
      },
    });
    checkLinks(fault, plan.on, this.options.edges);
    return fault;
  }

  /** Of several flows of one link nobody knows which connection is in which. */
  private carriedBy({ edge }: LinkFlow): { readonly connections?: string } {
    const ids = this.options.carried?.(edge) ?? [];
    if (ids.length === 0) return {};
    const link = edgeText(edge);
    const flows = [...this.linkSide.flows()].filter((flow) => edgeText(flow.edge) === link);
    return flows.length === 1 ? { connections: ids.join(',') } : {};
  }

  private partFault(id: string, plan: PartPlan): PartFault {
    const { clock, random, emit, node } = this.options;
    const fault = new PartFault(id, plan, {
      clock,
      random,
      offers: () => [...this.offers, ...this.deeds()],
      heir: (over, part) => this.heirOf(over, part),
      tell: (event) => emit({ node, ...event }),
      over: (over) => this.faults.delete(over),
    });
    checkParts(fault, this.ground());
    return fault;
  }

  /** Of two faults that both keep a part down, the end of one does not bring it back. */
  private heirOf(over: PartFault, part: string): PartFault | undefined {
    for (const fault of this.faults) {
      if (!(fault instanceof PartFault) || fault === over || !fault.holds(part)) continue;
      if (holdOf(fault) === holdOf(over)) return fault;
    }
    return undefined;
  }

  private packetFault(id: string, plan: PacketPlan): PacketFault {
    const { clock, random, emit, node } = this.options;
    const fault = new PacketFault(id, plan, {
      clock,
      random,
      flows: () => this.streams,
      tell: (event) => emit({ node, ...event }),
      over: (over) => this.faults.delete(over),
    });
    const open = [...this.streams].map(({ edge }) => edge);
    checkPackets(fault, plan.on, [...open, ...(this.options.edges?.() ?? [])]);
    return fault;
  }

  private deeds(): readonly Offer[] {
    const matches = (): boolean => true;
    return [...this.parts()].flatMap(({ name: part, deeds }) =>
      Object.entries(deeds).map(([kind, deed]) => ({ part, kind, deed, occasion: {}, matches }) as Offer),
    );
  }

  private ground(): Ground {
    return {
      edges: () => this.options.edges?.() ?? [],
      flows: () => this.linkSide.flows(),
      parts: [...this.parts()].map(({ name }) => name),
    };
  }
}

/** What it holds: a part that was killed, stopped or drained starts again in the same way. */
const holdOf = ({ plan: { name } }: PartFault): string =>
  name === 'stop' || name === 'drain' ? 'kill' : name;
