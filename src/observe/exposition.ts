export type Labels = Readonly<Record<string, string | number | undefined>>;

/** One value of a family; `suffix` is that of a histogram's parts. */
export interface Sample {
  readonly labels?: Labels;
  readonly value: number;
  /** Epoch milliseconds of the measurement. */
  readonly timeMs?: number;
  readonly suffix?: string | undefined;
}

export interface MetricFamily {
  readonly name: string;
  /** `counter`, `gauge` or `histogram`. */
  readonly type: string;
  /** With the stability in brackets in front, where Kubernetes gives one. */
  readonly help: string;
  readonly samples: readonly Sample[];
}

export const prometheusType = 'text/plain; version=0.0.4; charset=utf-8';

/** As Go's client writes it, for users' rules: no metrics without a value, small bounds with an exponent. */
export function renderMetrics(families: readonly MetricFamily[]): string {
  const shown = families.filter(({ samples }) => samples.length > 0);
  return shown
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(renderFamily)
    .join('');
}

function renderFamily({ name, type, help, samples }: MetricFamily): string {
  const lines = samples.map((sample) => `${name}${renderSample(sample)}\n`);
  const text = help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  return `# HELP ${name} ${text}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}

function renderSample({ labels = {}, value, timeMs, suffix }: Sample): string {
  const given = Object.entries(labels).filter(([, text]) => text !== undefined);
  // As Go does it: by name, and the bound of a bucket last.
  given.sort(([a], [b]) => Number(a === 'le') - Number(b === 'le') || (a < b ? -1 : 1));
  const pairs = given.map(
    ([name, text]) => `${name}="${escape(typeof text === 'number' ? goFloat(text) : String(text))}"`,
  );
  const time = timeMs === undefined ? '' : ` ${Math.floor(timeMs)}`;
  return `${suffix ?? ''}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${goFloat(value)}${time}`;
}

/** As Go writes numbers: with an exponent of two digits from a million on, and below a ten-thousandth. */
function goFloat(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  const size = Math.abs(value);
  if (size === 0 || (size >= 1e-4 && size < 1e6)) return String(value);
  return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
}

function escape(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}
