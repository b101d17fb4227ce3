/** kube-apiserver's PerCallLimit: what one expression may cost. */
const maxCost = 1_000_000;
/** What one character costs that is read or written. */
const costOfCharacter = 0.1;

/** An expression that costs more than kube-apiserver allows. */
export class TooCostly extends Error {
  override readonly name = 'TooCostly';

  constructor(options?: ErrorOptions) {
    super('operation cancelled: actual cost limit exceeded', options);
  }
}

/**
 * What an expression has cost so far. The time limit cannot stop a call inside of the engine, such as one that builds a
 * long text. So the functions that are ours pay for what they read and write before they do it. Those of the library
 * do not pay, as it refuses others in their place; `slow-search.ts` bounds those that look for a text.
 */
export class CelCost {
  private cost = 0;

  /** Runs one expression with nothing spent. Throws when it has cost too much, also when it has caught that itself. */
  measure<Result>(run: () => Result): Result {
    this.cost = 0;
    const result = run();
    this.check();
    return result;
  }

  /** Pays for characters. Throws when there is not enough left. */
  charge(characters: number): void {
    this.cost += Math.ceil(characters * costOfCharacter);
    this.check();
  }

  private check(): void {
    if (this.cost > maxCost) throw new TooCostly();
  }
}
