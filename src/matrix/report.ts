/** How this room tells what happens in it: lines for the operator, counters for the metrics. Compose puts a logger behind it. */
export interface Report {
  /** No user data, keys or tokens in the text; codes and steps only. */
  line(level: 'info' | 'warn' | 'error', text: string): void;
  /** Names are few and fixed (an error code with its place), so that a hostile sender cannot grow the metrics. */
  count(name: string): void;
}

export const silent: Report = { line() {}, count() {} };
