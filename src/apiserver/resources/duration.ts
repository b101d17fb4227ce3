const minuteS = 60;
const hourS = 60 * minuteS;
const dayS = 24 * hourS;
const yearS = 365 * dayS;

interface Step {
  readonly belowS: number;
  readonly unit: [size: number, letter: string];
  /** A second, smaller unit; left out when it is zero. */
  readonly rest?: [size: number, letter: string];
}

/** The precision decreases with age; the limits are those of Kubernetes' own `duration.HumanDuration`. */
const steps: readonly Step[] = [
  { belowS: 2 * minuteS, unit: [1, 's'] },
  { belowS: 10 * minuteS, unit: [minuteS, 'm'], rest: [1, 's'] },
  { belowS: 3 * hourS, unit: [minuteS, 'm'] },
  { belowS: 8 * hourS, unit: [hourS, 'h'], rest: [minuteS, 'm'] },
  { belowS: 2 * dayS, unit: [hourS, 'h'] },
  { belowS: 8 * dayS, unit: [dayS, 'd'], rest: [hourS, 'h'] },
  { belowS: 2 * yearS, unit: [dayS, 'd'] },
  { belowS: 8 * yearS, unit: [yearS, 'y'], rest: [dayS, 'd'] },
  { belowS: Number.POSITIVE_INFINITY, unit: [yearS, 'y'] },
];

/** A duration as kubectl's AGE column shows it: `59s`, `5m10s`, `3h`, `2d4h`. */
export function humanDuration(durationMs: number): string {
  const seconds = Math.trunc(durationMs / 1000);
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  const step = steps.find((candidate) => seconds < candidate.belowS);
  if (step === undefined) return '<invalid>';
  const [size, letter] = step.unit;
  const whole = `${Math.floor(seconds / size)}${letter}`;
  if (step.rest === undefined) return whole;
  const rest = Math.floor((seconds % size) / step.rest[0]);
  return rest === 0 ? whole : `${whole}${rest}${step.rest[1]}`;
}

/** The time since an RFC 3339 timestamp; `<unknown>` when there is none. */
export function since(timestamp: unknown, nowMs: number): string {
  const thenMs = typeof timestamp === 'string' ? Date.parse(timestamp) : Number.NaN;
  return Number.isNaN(thenMs) ? '<unknown>' : humanDuration(nowMs - thenMs);
}
