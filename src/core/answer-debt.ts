import type { Congestible } from './port.js';

/**
 * How many answers may wait for a peer that does not read. Many more than good manners make: packets for a connection
 * that has just ended are answered, too, and to stop reading for their sake would hold up everybody on the stream.
 */
export const maxOwedAnswers = 1024;

/** Bounds what a peer makes us queue by packets that call for an answer, without reading the answers (R22). */
export class AnswerDebt {
  private readonly port: Congestible;
  private owed = 0;

  /** `port` is where the answers go. */
  constructor(port: Congestible) {
    this.port = port;
  }

  /** Counts one answer. Returns the port when the peer owes so many that it is not to be read on. */
  owe(): Congestible | undefined {
    this.owed = this.port.congested ? this.owed + 1 : 0;
    return this.owed > maxOwedAnswers ? this.port : undefined;
  }
}
