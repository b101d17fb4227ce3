import type { Congestible } from './port.js';

/**
 * How many answers may wait for a peer that does not read. A well-behaved peer needs fewer, but packets for a
 * connection that has just ended are answered, too. A lower limit would stop reading then, and all connections of the
 * stream would wait.
 */
export const maxUnreadAnswers = 1024;

/** Limits the answers that wait for a peer which sends requests but does not read the answers (R22). */
export class UnreadAnswers {
  private readonly port: Congestible;
  private owed = 0;

  /** `port` sends the answers. */
  constructor(port: Congestible) {
    this.port = port;
  }

  /** Counts one answer. Returns the port when so many answers wait that the peer must not be read any more. */
  add(): Congestible | undefined {
    this.owed = this.port.congested ? this.owed + 1 : 0;
    return this.owed > maxUnreadAnswers ? this.port : undefined;
  }
}
