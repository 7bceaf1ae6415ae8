/** What a metric of the catalogue says of itself. */

import { ERRORS } from '../../errors.ts';

/** Those of docs/ERRORS.md, and what is none of them. */
export const CODES: readonly string[] = [...Object.keys(ERRORS), 'bug'];

export interface Metric {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  /** One sentence; Prometheus shows it too. */
  readonly help: string;
  /** When to look at it, and what it tells then. */
  readonly why: string;
  /** Label → its values; one that comes and is not among them counts as `other`. */
  readonly labels: Readonly<Record<string, readonly string[]>>;
  /** Of a histogram, in its unit. */
  readonly buckets?: readonly number[];
}

export interface Section {
  readonly title: string;
  /** The name that the code has for it, without `volly_` and `_total` → the metric. Base units: seconds, bytes. */
  readonly metrics: Readonly<Record<string, Metric>>;
}

type Labels = Metric['labels'];

export const counter = (help: string, why: string, labels: Labels = {}): Metric => ({ kind: 'counter', help, why, labels });
export const gauge = (help: string, why: string, labels: Labels = {}): Metric => ({ kind: 'gauge', help, why, labels });
export const histogram = (help: string, why: string, buckets: readonly number[], labels: Labels = {}): Metric => ({
  ...{ kind: 'histogram', help, why, buckets, labels },
});
