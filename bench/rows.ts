/** What a benchmark gives, and the arithmetic that all of them share. */

export interface Row {
  readonly id: 'B1' | 'B6' | 'B7';
  readonly measure: string;
  readonly value: number;
  readonly target: number;
  readonly better: 'lower' | 'higher';
  readonly rounds: number;
  /** What is behind the ratio, for the reader of the table. */
  readonly note: string;
}

/** Says what is being measured right now. */
export type Progress = (line: string) => void;

export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] as number;
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

export const isMet = ({ value, target, better }: Row): boolean => (better === 'lower' ? value <= target : value >= target);
