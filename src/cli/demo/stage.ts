import type { Lab } from '../../lab/lab.js';
import type { Terminal } from '../terminal.js';

/** Prints the demo: headings, commands of a user, and their output. */
export class Stage {
  private readonly terminal: Terminal;
  private readonly startedAt: number;
  private chapter = 0;

  constructor(terminal: Terminal, startedAt: number) {
    this.terminal = terminal;
    this.startedAt = startedAt;
  }

  begin(title: string, sentence: string): void {
    this.chapter += 1;
    this.line('');
    this.line(this.terminal.style('bold', `${this.chapter}. ${title}`));
    this.line(this.terminal.style('dim', `   ${sentence}`));
    this.line('');
  }

  command(text: string): void {
    this.line(`   ${this.terminal.style('cyan', '$')} ${text}`);
  }

  output(text: string): void {
    for (const row of text.trimEnd().split('\n')) this.line(`   ${row}`);
  }

  failure(text: string): void {
    for (const row of text.split('\n')) this.line(`   ${this.terminal.style('red', row)}`);
  }

  note(text: string): void {
    this.line(`   ${this.terminal.style('yellow', '▸')} ${text}`);
  }

  /** Prints the packets of a request, after the last of them has arrived. */
  async ladder(lab: Lab, request: string): Promise<void> {
    await lab.settled();
    this.line('');
    this.line(lab.ladder(request, { colour: this.terminal.colour }));
  }

  line(text: string): void {
    this.terminal.data(text);
  }

  /** Seconds since the demo began, as text. */
  elapsed(): string {
    return `${((performance.now() - this.startedAt) / 1000).toFixed(1)} s`;
  }
}
