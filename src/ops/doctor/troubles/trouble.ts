/** One thing that can be wrong. */
export interface Trouble {
  readonly cause: string;
  readonly cure: string;
}
