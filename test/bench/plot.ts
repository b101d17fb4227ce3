/** One diagram. The x axis is logarithmic, the y axis begins at 0. */
export interface Panel {
  readonly title: string;
  readonly xTitle: string;
  readonly series: readonly Series[];
}

export interface Series {
  readonly name: string;
  /** Values that are no number are left out. */
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

const size = { width: 400, height: 240, left: 56, right: 16, top: 44, bottom: 52 };
const style = `<style>
  svg { background: #fff; font: 12px system-ui, sans-serif }
  text { fill: #222 } .axis { stroke: #8884 } .title { font-weight: 600 }
  .line { fill: none; stroke-width: 2 } .s0 { stroke: #0b6bcb } .s1 { stroke: #c2410c } .s2 { stroke: #15803d }
  .dot { stroke-width: 5; stroke-linecap: round } text.s0 { fill: #0b6bcb } text.s1 { fill: #c2410c } text.s2 { fill: #15803d }
  text.s0, text.s1, text.s2 { stroke: none }
  @media (prefers-color-scheme: dark) {
    svg { background: #0d1117 } text { fill: #e6edf3 }
    .s0 { stroke: #58a6ff } .s1 { stroke: #f0883e } .s2 { stroke: #3fb950 }
    text.s0 { fill: #58a6ff } text.s1 { fill: #f0883e } text.s2 { fill: #3fb950 }
  }
</style>`;

const panelsInRow = 2;

/** An SVG of panels, two in a row, readable in dark and light. */
export function plotSvg(panels: readonly Panel[]): string {
  const width = size.width * Math.min(panels.length, panelsInRow);
  const height = size.height * Math.ceil(panels.length / panelsInRow);
  const open = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">`;
  const drawn = panels.map((panel, at) => {
    const [row, column] = [Math.floor(at / panelsInRow), at % panelsInRow];
    return `<g transform="translate(${column * size.width} ${row * size.height})">\n${draw(panel)}\n</g>`;
  });
  return [open, style, ...drawn, '</svg>', ''].join('\n');
}

function draw({ title, xTitle, series }: Panel): string {
  const known = series.map((each) => ({
    ...each,
    points: each.points.filter(({ y }) => Number.isFinite(y)),
  }));
  const points = known.flatMap((each) => each.points);
  const xs = [...new Set(points.map(({ x }) => x))].toSorted((a, b) => a - b);
  const ticks = ticksTo(Math.max(0, ...points.map(({ y }) => y)));
  const [first = 1, last = first] = [xs.at(0), xs.at(-1)];
  const [right, bottom] = [size.width - size.right, size.height - size.bottom];
  const across = Math.log(last / first) || 1;
  const toX = (x: number): number => size.left + ((right - size.left) * Math.log(x / first)) / across;
  const toY = (y: number): number => bottom - ((bottom - size.top) * y) / (ticks.at(-1) ?? 1);
  const text = (said: string, x: number, y: number, attributes: string): string =>
    `<text x="${round(x)}" y="${round(y)}" ${attributes}>${escaped(said)}</text>`;
  const lines = known.flatMap(({ name, points: own }, at) => {
    const path = own.map(({ x, y }, index) => `${index === 0 ? 'M' : 'L'}${round(toX(x))} ${round(toY(y))}`);
    const dots = own.map(({ x, y }) => `M${round(toX(x))} ${round(toY(y))}h0`);
    return [
      `<path class="line s${at}" d="${path.join('')}"/><path class="dot s${at}" d="${dots.join('')}"/>`,
      text(name, size.left + at * 88, 34, `class="s${at}"`),
    ];
  });
  return [
    text(title, size.left, 18, 'class="title"'),
    ...ticks.map((y) => `<path class="axis" d="M${size.left} ${round(toY(y))}H${right}"/>`),
    ...ticks.map((y) => text(numberOf(y), size.left - 6, toY(y) + 4, 'text-anchor="end"')),
    ...xs.map((x) => text(numberOf(x), toX(x), bottom + 18, 'text-anchor="middle"')),
    text(xTitle, (size.left + right) / 2, bottom + 38, 'text-anchor="middle"'),
    ...lines,
  ].join('\n');
}

/** From 0 to at least `highest`, in three to six steps of 1, 2 or 5 times a power of ten. */
function ticksTo(highest: number): readonly number[] {
  if (highest <= 0) return [0, 1];
  const power = 10 ** Math.floor(Math.log10(highest / 3));
  const step = power * ([1, 2, 5].findLast((times) => times * power <= highest / 3) ?? 1);
  return Array.from({ length: Math.ceil(highest / step - 1e-9) + 1 }, (_, index) => index * step);
}

const round = (value: number): number => Math.round(value * 10) / 10;
const numberOf = (value: number): string => Number(value.toPrecision(6)).toLocaleString('en');
const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
