/** When an app was not there to be reached, by its log. */
import type { AppLine, Line } from './log.ts';

export interface Window {
  readonly from: number;
  readonly to: number;
}

export class Away {
  readonly #away = new Map<string, Window[]>();

  /** From the first line of an app on: before it has caught up it is away. */
  constructor(lines: readonly Line[], until: number) {
    const byApp = Map.groupBy(
      lines.filter((line): line is AppLine => line.app !== undefined),
      ({ app }) => app,
    );
    for (const [app, own] of byApp) this.#away.set(app, awayIn(own, until));
  }

  of(app: string): readonly Window[] {
    return this.#away.get(app) ?? [];
  }

  /** `t`, or when the app had caught up again after it where it was away. */
  backAt(app: string, t: number): number {
    return this.of(app).find(({ from, to }) => from <= t && t < to)?.to ?? t;
  }
}

function awayIn(lines: readonly AppLine[], until: number): Window[] {
  const away: Window[] = [];
  let since: number | undefined = lines[0]?.t;
  let last = since ?? 0;
  for (const { k, t } of lines) {
    if (k === 'caught-up' && since !== undefined) {
      away.push({ from: since, to: t });
      since = undefined;
    } else if (k === 'offline') since ??= t;
    // Killed, some time after its last line.
    else if (k === 'run') since ??= last;
    last = t;
  }
  if (since !== undefined) away.push({ from: since, to: until });
  return away;
}
