/**
 * Judges a scenario by its logs alone. What the columns mean, exactly:
 *
 * - **sent**: an envelope with a device in `to` (`taken`: the bridge accepted it). One that was never accepted promises nothing.
 * - **delivered**: the app it was for got it before its `expires` (+ 1 s for the way to the app) and settled it.
 * - **lost**: sent, not delivered, and either its sender was told nothing by `expires` + 10 s, or was told something although the end
 *   lay in no outage. An outage is a fault's time up to `healed` + 10 s, or a time in which the receiving app was away; and what the bridge
 *   got in the last 2 s of its life, from an app that had been away, had no time left; and the receiving SDK may have left it with the
 *   bridge (`kept`: a hang-up before its offer). A sender that is away at `expires` + 10 s, or
 *   whose end lies in an outage, has 10 s from its return, or from the outage's end.
 * - **doubled**: one id handed over a second time on one connection; or a number that came out of the SDK twice.
 *   A second time on a later connection is the protocol's own (section 14.5) and shows here only where the SDK lets it through.
 * - **out of order**: a call's numbers at the SDK's output that do not rise by one.
 * - **ghost rings**: a ring later than the offer's end (+ 1 s from the SDK's look at the clock to the app's line), a second one of one call, one after the SDK had settled that call's hang-up, or
 *   while the hang-up lay in the same backlog: handed over on the ring's connection before `caught-up`, or let go by the homeserver
 *   before that connection was made.
 * - **false ends**: told anything but `unconfirmed`, and delivered, though the bridge could know: the app stayed connected for 2 s after it had
 *   settled it, and no fault was under way. **ack lost**: the others. The app has it, and what would have told the bridge was lost.
 * - **open calls**: made or rung, without an end, in a process that lived on.
 * - **unjournaled**: the homeserver was allowed to forget it, and after a kill its bridge knew nothing of it.
 * - **failed**, **unconfirmed**: told so, not delivered, with an outage as the excuse; `unconfirmed` counts delivered ones too.
 * - **recovery**: from `healed` to when an app got the first envelope that was sent after it, the slower direction, the worst fault.
 */

import { checkEnvelopes, faultsOf, GRACE_MS } from './envelopes.ts';
import type { Line, Of } from './log.ts';
import type { Counts } from './rows.ts';

export interface Verdict extends Counts {
  readonly wrong: readonly string[];
}

/** Lines by time. `until`: when watching ended, the last line's time by default. */
export function check(lines: readonly Line[], until = lines.at(-1)?.t ?? 0): Verdict {
  const of = <K extends Line['k']>(k: K) => lines.filter((line): line is Of<K> => line.k === k);
  const wrong: string[] = [];
  const faults = faultsOf(of('fault'), of('healed'), until);
  const envelopes = checkEnvelopes(lines, of, { faults, until, wrong });
  const recoveries = faults
    .filter(({ healed }) => healed < until)
    .map(({ healed }) => recoveryAfter(healed, of('got'), of('send')));
  return {
    ...envelopes,
    doubled: handedTwice(of('got'), wrong) + heardTwice(of('hear'), wrong),
    outOfOrder: disorder(of('hear'), wrong),
    ghostRings: ghosts(lines, of, wrong),
    openCalls: openCalls(lines, wrong),
    unjournaled: unjournaled(of('kept-by'), wrong),
    recoveryMs: recoveries.length === 0 ? undefined : Math.max(...recoveries),
    wrong,
  };
}

function handedTwice(gots: readonly Of<'got'>[], wrong: string[]): number {
  return repeated(
    gots,
    ({ app, conn, id }) => `${app} ${conn} ${id}`,
    (line) => wrong.push(`handed over twice: ${line.type} ${line.id} to ${line.app}`),
  );
}

function heardTwice(hears: readonly Of<'hear'>[], wrong: string[]): number {
  return repeated(
    hears,
    ({ app, call, n }) => `${app} ${call} ${n}`,
    ({ app, call, n }) => wrong.push(`heard twice: ${n} of call ${call} at ${app}`),
  );
}

function repeated<L>(lines: readonly L[], keyOf: (line: L) => string, tell: (line: L) => void): number {
  const seen = new Set<string>();
  let count = 0;
  for (const line of lines) {
    const key = keyOf(line);
    if (seen.has(key)) {
      count++;
      tell(line);
    }
    seen.add(key);
  }
  return count;
}

function disorder(hears: readonly Of<'hear'>[], wrong: string[]): number {
  const last = new Map<string, number>();
  let count = 0;
  for (const { app, call, n } of hears) {
    const before = last.get(`${app} ${call}`) ?? 0;
    if (n !== before + 1 && n !== before) {
      count++;
      wrong.push(`out of order: ${n} after ${before} of call ${call} at ${app}`);
    }
    last.set(`${app} ${call}`, Math.max(n, before));
  }
  return count;
}

function ghosts(lines: readonly Line[], of: <K extends Line['k']>(k: K) => Of<K>[], wrong: string[]): number {
  const hangups = new Map<string, Of<'got'>[]>();
  for (const got of of('got'))
    if (got.type === 'app.volly.call.hangup')
      hangups.set(`${got.app} ${got.call}`, [...(hangups.get(`${got.app} ${got.call}`) ?? []), got]);
  const at = (k: 'settled' | 'caught-up' | 'online') =>
    new Map(of(k).map((line) => [`${line.app} ${'id' in line ? line.id : line.conn}`, line.t]));
  const [settled, caughtUp, online] = [at('settled'), at('caught-up'), at('online')];
  const letGo = new Map<string, number>();
  for (const line of lines)
    if (line.k === 'let-go') for (const id of line.ids) letGo.set(id, Math.min(line.t, letGo.get(id) ?? line.t));
  const rung = new Set<string>();
  let count = 0;
  for (const { app, call, conn, until, t } of of('rings')) {
    const why = [
      ...(t > until + GRACE_MS ? ['past the life of its offer'] : []),
      ...(rung.has(`${app} ${call}`) ? ['for the second time'] : []),
      ...(hangups.get(`${app} ${call}`) ?? []).flatMap((hangup) => {
        const inBacklog = hangup.conn === conn && hangup.t <= (caughtUp.get(`${app} ${conn}`) ?? Number.POSITIVE_INFINITY);
        const there = (letGo.get(hangup.id) ?? Number.POSITIVE_INFINITY) < (online.get(`${app} ${conn}`) ?? 0);
        return inBacklog || there || (settled.get(`${app} ${hangup.id}`) ?? Number.POSITIVE_INFINITY) < t
          ? ['after its hang-up was there']
          : [];
      }),
    ];
    rung.add(`${app} ${call}`);
    if (why.length === 0) continue;
    count++;
    wrong.push(`ghost ring ${why.join(', ')}: call ${call} at ${app}`);
  }
  return count;
}

/** A process that begins anew has ended what ran in the one before. */
function openCalls(lines: readonly Line[], wrong: string[]): number {
  const open = new Map<string, Set<string>>();
  for (const line of lines) {
    if (line.app === undefined) continue;
    const calls = open.get(line.app) ?? new Set();
    open.set(line.app, calls);
    if (line.k === 'run') calls.clear();
    else if (line.k === 'call' || line.k === 'rings') calls.add(line.call);
    else if (line.k === 'over') calls.delete(line.call);
  }
  for (const [app, calls] of open) for (const call of calls) wrong.push(`no end: call ${call} at ${app}`);
  return [...open.values()].reduce((sum, { size }) => sum + size, 0);
}

function unjournaled(audits: readonly Of<'kept-by'>[], wrong: string[]): number {
  const forgotten = audits.flatMap(({ side, asked, known }) => {
    const there = new Set(known);
    return asked.filter((id) => !there.has(id)).map((id) => `let go and not journaled at ${side}: ${id}`);
  });
  wrong.push(...forgotten);
  return forgotten.length;
}

/** Of an app's name the first letter is its side. A direction in which nothing was sent after the fault does not count. */
function recoveryAfter(healed: number, gots: readonly Of<'got'>[], sends: readonly Of<'send'>[]): number {
  const times = (['a', 'b'] as const).map((side) => {
    const later = new Set(sends.filter(({ t, app }) => t >= healed && !app.startsWith(side)).map(({ id }) => id));
    if (later.size === 0) return 0;
    const got = gots.find(({ t, app, id }) => t >= healed && app.startsWith(side) && later.has(id));
    return (got?.t ?? Number.POSITIVE_INFINITY) - healed;
  });
  return Math.max(...times);
}
