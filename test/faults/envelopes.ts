/** What became of each envelope, judged by the logs: the checker's columns from `sent` to `ack lost`, defined in checker.ts. */

import { Away, type Window } from './away.ts';
import type { Line, Of } from './log.ts';

export const GRACE_MS = 1_000;
const TOLD_MS = 10_000;
const HEALING_MS = 10_000;
const NO_TIME_MS = 2_000;

export interface Fault extends Window {
  readonly healed: number;
}

export function faultsOf(begun: readonly Of<'fault'>[], over: readonly Of<'healed'>[], until: number): Fault[] {
  return begun.map(({ t, fault }) => {
    const healed = over.find((one) => one.fault === fault)?.t ?? until;
    return { from: t, to: healed + HEALING_MS, healed };
  });
}

interface Times {
  readonly faults: readonly Fault[];
  readonly until: number;
  readonly wrong: string[];
}

/** Each envelope, in memory once: a lookup a line. */
export function checkEnvelopes(
  lines: readonly Line[],
  of: <K extends Line['k']>(k: K) => Of<K>[],
  { faults, until, wrong }: Times,
) {
  const taken = new Map(of('taken').map(({ id, t }) => [id, t]));
  const settled = new Map(of('settled').map(({ id, app, t }) => [`${app} ${id}`, t]));
  const got = new Map<string, number>();
  for (const { app, id, t } of of('got')) if (!got.has(`${app} ${id}`)) got.set(`${app} ${id}`, t);
  const told = new Map(
    of('told')
      .reverse()
      .map((line) => [`${line.app} ${line.id}`, line]),
  );
  const kept = new Set(of('kept').map(({ id, app }) => `${app} ${id}`));
  const away = new Away(lines, until);
  const counts = { sent: 0, delivered: 0, lost: 0, falseEnds: 0, ackLost: 0, failed: 0, unconfirmed: 0 };
  const judged = new Set<string>();
  for (const send of of('send')) {
    const { id, to, app, expires, type } = send;
    const takenAt = taken.get(id);
    if (!to.includes('/') || takenAt === undefined || judged.has(id)) continue;
    judged.add(id);
    counts.sent++;
    const name = `${type} ${id} from ${app} to ${to}`;
    const word = told.get(`${app} ${id}`);
    const settledAt = settled.get(`${to} ${id}`);
    const delivered = settledAt !== undefined && got.get(`${to} ${id}`)! <= expires + GRACE_MS;
    if (word?.reason === 'unconfirmed') counts.unconfirmed++;
    else if (word && delivered && [...faults, ...away.of(to)].some((one) => reaches(one, settledAt))) counts.ackLost++;
    else if (word && delivered) {
      counts.falseEnds++;
      wrong.push(`false end ${word.reason}: ${name}`);
    }
    if (delivered) {
      counts.delivered++;
      continue;
    }
    const excuse = [...faults, ...away.of(to)].filter(({ from, to: end }) => from <= expires && expires <= end);
    const due = Math.max(expires, ...excuse.map((one) => one.to)) + TOLD_MS;
    const back = away.backAt(app, due);
    const limit = back > due ? back + TOLD_MS : due;
    const late = !word || word.t > limit;
    // Not due yet when watching ended: nothing can be said of it.
    if (!word && until < limit) continue;
    if (late || (excuse.length === 0 && takenAt < expires - NO_TIME_MS && !kept.has(`${to} ${id}`))) {
      counts.lost++;
      wrong.push(`lost, ${word ? `told ${word.reason}${late ? ' too late' : ' without a fault'}` : 'nobody told'}: ${name}`);
    } else if (word.reason !== 'unconfirmed') counts.failed++;
  }
  return counts;
}

/** Within 2 s after `t`, a moment's lateness of the lines included. */
const reaches = ({ from, to }: Window, t: number): boolean => from <= t + NO_TIME_MS && t <= to;
