/** kube-apiserver's PerCallLimit: the highest cost of one expression. */
const maxCost = 1_000_000;
const costOfCharacter = 0.1;

/** An expression that costs more than kube-apiserver allows. */
export class TooCostly extends Error {
  override readonly name = 'TooCostly';

  constructor(options?: ErrorOptions) {
    super('operation cancelled: actual cost limit exceeded', options);
  }
}

/**
 * The cost of an expression so far. The time limit cannot stop a single call inside the engine, such as one that builds
 * a long text. So our own functions charge for what they read and write before they do it. The library's functions do
 * not charge, because the library does not allow others in their place; `slow-search.ts` limits those that search for a
 * text.
 */
export class CelCost {
  private cost = 0;

  /** Runs one expression, from zero. Throws when the cost is too high, even if the expression caught that error. */
  measure<Result>(run: () => Result): Result {
    this.cost = 0;
    const result = run();
    this.check();
    return result;
  }

  /** Charges for characters. Throws when the limit is exceeded. */
  charge(characters: number): void {
    this.cost += Math.ceil(characters * costOfCharacter);
    this.check();
  }

  private check(): void {
    if (this.cost > maxCost) throw new TooCostly();
  }
}
