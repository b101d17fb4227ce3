import { TunnelError } from '../core/errors.js';
import type { InvariantOptions } from '../lab/invariants.js';
import type { Lab } from '../lab/lab.js';
import { reportOf } from './report.js';

/** How the use of a lab by one test ended. */
export interface Ending {
  /** For people, when the test failed or left the lab in a wrong state. */
  readonly report?: string;
  /** Why the test fails, although it did not itself. */
  readonly error?: TunnelError;
}

/** The tests that use one lab, one after the other or at once. */
export class LabUses {
  readonly lab: Lab;
  private running = 0;
  /** The state before the first of the tests that run now. */
  private before: InvariantOptions = {};

  constructor(lab: Lab) {
    this.lab = lab;
  }

  /** A test begins. When `signal` aborts, it is given up; the report tells of that moment. */
  begin(signal: AbortSignal): LabUse {
    const { lab } = this;
    if (this.running === 0) this.before = { since: lab.mark(), open: lab.open() };
    this.running += 1;
    return new LabUse(this, signal);
  }

  /** A test is over. What was before it, when no other test runs: what others have open is no leak. */
  end(): InvariantOptions | undefined {
    this.running -= 1;
    return this.running === 0 ? this.before : undefined;
  }
}

/** The use of a lab by one test. */
export class LabUse {
  private readonly uses: LabUses;
  private readonly signal: AbortSignal;
  private readonly since: number;
  private reported: string | undefined;

  constructor(uses: LabUses, signal: AbortSignal) {
    this.uses = uses;
    this.signal = signal;
    this.since = uses.lab.mark();
    signal.addEventListener('abort', this.giveUp, { once: true });
  }

  /** The test is over. Checks the lab after a test that passed, unless another test still uses it. Never rejects. */
  async end({
    failed,
    invariants,
  }: {
    readonly failed: boolean;
    readonly invariants: boolean;
  }): Promise<Ending> {
    this.signal.removeEventListener('abort', this.giveUp);
    const before = this.uses.end();
    if (failed) return { report: this.report() };
    if (!invariants || before === undefined) return {};
    try {
      this.uses.lab.heal();
      await this.uses.lab.checkInvariants(before);
      return {};
    } catch (error) {
      return { report: this.report(), error: TunnelError.from(error) };
    }
  }

  private readonly giveUp = (): void => {
    this.reported = this.report();
  };

  private report(): string {
    return this.reported ?? reportOf(this.uses.lab, { since: this.since });
  }
}
