import type { Lab } from '../../lab/lab.js';
import type { Terminal } from '../terminal.js';

/** Where the demo is told: headings, what a user would type, what he would see. */
export class Stage {
  private readonly terminal: Terminal;
  private readonly startedAt: number;
  private chapter = 0;

  constructor(terminal: Terminal, startedAt: number) {
    this.terminal = terminal;
    this.startedAt = startedAt;
  }

  /** Begins a chapter with its number, its subject and a sentence about it. */
  begin(title: string, sentence: string): void {
    this.chapter += 1;
    this.line('');
    this.line(this.terminal.style('bold', `${this.chapter}. ${title}`));
    this.line(this.terminal.style('dim', `   ${sentence}`));
    this.line('');
  }

  /** What a user would type for this. */
  command(text: string): void {
    this.line(`   ${this.terminal.style('cyan', '$')} ${text}`);
  }

  /** What the command wrote. */
  output(text: string): void {
    for (const row of text.trimEnd().split('\n')) this.line(`   ${row}`);
  }

  /** What a failure looks like to the user. */
  failure(text: string): void {
    for (const row of text.split('\n')) this.line(`   ${this.terminal.style('red', row)}`);
  }

  /** Something that happened, in a sentence. */
  note(text: string): void {
    this.line(`   ${this.terminal.style('yellow', '▸')} ${text}`);
  }

  /** The packets of a request, once the last of them has arrived. */
  async ladder(lab: Lab, request: string): Promise<void> {
    await lab.settled();
    this.line('');
    this.line(lab.ladder(request, { colour: this.terminal.colour }));
  }

  line(text: string): void {
    this.terminal.data(text);
  }

  /** Seconds since the demo began, for people. */
  elapsed(): string {
    return `${((performance.now() - this.startedAt) / 1000).toFixed(1)} s`;
  }
}
