import { styleText } from 'node:util';
import type { ArrowStep, Lane, NoteStep, Tone } from './ladder-step.js';

type Style = Parameters<typeof styleText>[0];

const styles: Record<Tone, Style | undefined> = {
  dial: 'cyan',
  data: 'green',
  close: 'yellow',
  drain: 'magenta',
  request: 'bold',
  plain: undefined,
  bad: 'red',
};

export interface Layout {
  /** Column of each lane's line. */
  readonly columns: ReadonlyMap<Lane, number>;
  readonly width: number;
  readonly colour: boolean;
}

/** One line of text, written at given columns. */
export class Line {
  private readonly cells: string[];
  private readonly looks: (Style | undefined)[];

  constructor(width: number) {
    this.cells = Array.from({ length: width }, () => ' ');
    this.looks = Array.from({ length: width }, () => undefined);
  }

  /** Overwrites earlier text, and cuts at the end of the line. */
  put(column: number, text: string, look?: Style): this {
    for (const [offset, cell] of [...text].entries()) {
      const at = column + offset;
      if (at < 0 || at >= this.cells.length) continue;
      this.cells[at] = cell;
      this.looks[at] = look;
    }
    return this;
  }

  toString(colour: boolean): string {
    if (!colour) return this.cells.join('').trimEnd();
    const pieces: { text: string; look: Style | undefined }[] = [];
    for (const [at, cell] of [...this.cells.join('').trimEnd()].entries()) {
      const look = this.looks[at];
      const last = pieces.at(-1);
      if (last !== undefined && last.look === look) last.text += cell;
      else pieces.push({ text: cell, look });
    }
    return pieces.map(({ text, look }) => (look === undefined ? text : paint(look, text))).join('');
  }
}

function paint(look: Style, text: string): string {
  // The caller has decided about colour already, maybe for another stream than stdout.
  return styleText(look, text, { validateStream: false });
}

/** A line with only the lanes, and the time in front when it is given. */
export function lifelines(layout: Layout, time = ''): Line {
  const line = new Line(layout.width).put(0, time.padStart(timeColumns), 'dim');
  for (const column of layout.columns.values()) line.put(column, '│', 'dim');
  return line;
}

/** Columns of the time at the left edge. */
export const timeColumns = 7;

/** `├── DIAL_REQ d:4857 ──►│` */
export function drawArrow(step: ArrowStep, layout: Layout, time: string): Line {
  const line = lifelines(layout, time);
  const from = layout.columns.get(step.from) ?? 0;
  const to = layout.columns.get(step.to) ?? 0;
  const look = styles[step.tone];
  const [left, right] = from < to ? [from, to] : [to, from];
  const rightwards = from < to;
  const room = right - left - 1;
  const stroke = step.head === 'lost' || step.head === 'underway' ? '╌' : '─';
  line.put(left + 1, stroke.repeat(room), look);
  const label = ` ${labelFor(step, room - 3)} `;
  line.put(left + 1 + Math.floor((room - label.length) / 2), label, look);
  line.put(from, rightwards ? '├' : '┤', look);
  if (step.head === 'both') line.put(to, rightwards ? '┤' : '├', look);
  else line.put(rightwards ? to - 1 : to + 1, step.head === 'lost' ? '✗' : rightwards ? '►' : '◄', look);
  return line;
}

function labelFor(step: ArrowStep, room: number): string {
  for (let kept = step.details.length; kept > 0; kept--) {
    const label = [step.name, ...step.details.slice(0, kept)].join(' ');
    if (label.length <= room) return label;
  }
  return step.name.length <= room ? step.name : `${step.name.slice(0, room - 1)}…`;
}

/** How many lines one note may have. */
const noteLines = 3;

/** `● text` beside a lane: at its right, or at its left when there is more space; on several lines when needed. */
export function drawNote(step: NoteStep, layout: Layout, time: string): Line[] {
  const column = layout.columns.get(step.lane) ?? 0;
  const look = styles[step.tone];
  const roomRight = layout.width - column - 2;
  const roomLeft = column - timeColumns - 3;
  const toTheRight = step.text.length <= roomRight || roomRight >= roomLeft;
  return wrap(step.text, toTheRight ? roomRight : roomLeft).map((text, index) => {
    const line = lifelines(layout, index === 0 ? time : '');
    if (index === 0) line.put(column, '●', look);
    return line.put(toTheRight ? column + 1 : column - text.length - 2, ` ${text} `, look);
  });
}

/** Breaks text at spaces when it can. Cuts text that is too long for the last line. */
function wrap(text: string, room: number): string[] {
  const lines: string[] = [];
  let rest = text;
  while (rest.length > room && lines.length < noteLines - 1) {
    const space = rest.lastIndexOf(' ', room);
    const end = space > 0 ? space : room;
    lines.push(rest.slice(0, end));
    rest = rest.slice(end).trimStart();
  }
  return [...lines, rest.length <= room ? rest : `${rest.slice(0, room - 1)}…`];
}
