/** What a check says. */
import type { CheckName } from './catalogue.ts';
import type { TroubleCode } from './troubles.ts';

/** From a check to the doctor. `value` is for the checks that need this one; a failure has none, and they are not tried. */
export type Outcome<T> =
  | { readonly result: 'ok'; readonly found: string; readonly value: T }
  | ({ readonly result: 'warning'; readonly value: T } & Trouble)
  | ({ readonly result: 'failed' } & Trouble)
  | { readonly result: 'skipped'; readonly found: string };

export interface Trouble {
  readonly code: TroubleCode;
  readonly found: string;
  /** More of the same kind, a line each. */
  readonly details?: readonly string[];
  /** Mends it where that is safe, and says what it did. */
  readonly fix?: () => string;
}

type Extra = Pick<Trouble, 'details' | 'fix'>;

export const ok = <T>(found: string, value: T): Outcome<T> => ({ result: 'ok', found, value });
export const warning = <T>(code: TroubleCode, found: string, value: T, extra: Extra = {}): Outcome<T> => ({
  ...{ result: 'warning', code, found, value },
  ...extra,
});
export const failed = (code: TroubleCode, found: string, extra: Extra = {}): Outcome<never> => ({
  ...{ result: 'failed', code, found },
  ...extra,
});
/** Not a fault: there is nothing to try, or no way to. */
export const notTried = (why: string): Outcome<never> => ({ result: 'skipped', found: `not tried: ${why}` });

/** From the doctor to whoever asked: a line, or an object of `--json`. Holds no secret. */
export interface Finding {
  readonly check: CheckName;
  readonly title: string;
  /** What was looked at, where a check is made for several: a peer's server name. */
  readonly subject?: string;
  readonly result: 'ok' | 'warning' | 'failed' | 'skipped';
  readonly found: string;
  readonly details?: readonly string[];
  readonly code?: TroubleCode;
  readonly cause?: string;
  readonly cure?: string;
  /** What `--fix` did. */
  readonly fixed?: string;
}
