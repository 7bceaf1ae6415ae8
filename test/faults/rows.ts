/** What a scenario came to, as the table prints it and `--json` writes it. */

export interface Counts {
  /** Envelopes for a device that a bridge accepted from an app. */
  readonly sent: number;
  readonly delivered: number;
  readonly lost: number;
  readonly doubled: number;
  readonly outOfOrder: number;
  readonly ghostRings: number;
  readonly falseEnds: number;
  readonly openCalls: number;
  readonly unjournaled: number;
  readonly failed: number;
  readonly unconfirmed: number;
  readonly ackLost: number;
  /** The worst; undefined where no fault was over and messages flowed after it. */
  readonly recoveryMs: number | undefined;
}

/** A measure of its own that a scenario holds against the design page. */
export interface Bound {
  readonly what: string;
  readonly value: number;
  readonly atMost: number;
  readonly unit: string;
}

export interface Row extends Counts {
  readonly id: string;
  readonly title: string;
  readonly seconds: number;
  readonly bounds: readonly Bound[];
  /** Kills, sizes, what the short form leaves out. */
  readonly notes: readonly string[];
  /** Which envelopes or calls were wrong, and what broke. */
  readonly wrong: readonly string[];
}

/** Each of these is a broken promise. */
const MUST_BE_NONE = ['lost', 'doubled', 'outOfOrder', 'ghostRings', 'falseEnds', 'openCalls', 'unjournaled'] as const;

/** Why the row fails; empty = it passed. */
export function failuresOf(row: Row): string[] {
  return [
    ...MUST_BE_NONE.filter((name) => row[name] > 0).map((name) => `${name}: ${row[name]}`),
    // Not `>`: what could not be measured (NaN) is not kept either.
    ...row.bounds.filter(({ value, atMost }) => !(value <= atMost)).map((bound) => boundText(bound)),
    ...(row.sent === 0 && row.wrong.length === 0 ? ['nothing was sent'] : []),
    ...row.wrong.filter((line) => line.startsWith('broke: ')),
  ];
}

export const boundText = ({ what, value, atMost, unit }: Bound): string =>
  `${what} ${rounded(value)} ${unit} (${value <= atMost ? '≤' : 'NOT ≤'} ${rounded(atMost)})`;

const rounded = (value: number): string =>
  Number.isInteger(value) ? String(value) : value.toFixed(Math.abs(value) < 10 ? 2 : 0);

const COLUMNS: readonly (readonly [string, (row: Row) => string])[] = [
  ['', (row) => row.id],
  ['sent', (row) => String(row.sent)],
  ['delivered', (row) => String(row.delivered)],
  ['lost', (row) => String(row.lost)],
  ['doubled', (row) => String(row.doubled)],
  ['disorder', (row) => String(row.outOfOrder)],
  ['ghosts', (row) => String(row.ghostRings)],
  ['false ends', (row) => String(row.falseEnds)],
  ['open calls', (row) => String(row.openCalls)],
  ['unjournaled', (row) => String(row.unjournaled)],
  ['failed', (row) => String(row.failed)],
  ['unconfirmed', (row) => String(row.unconfirmed)],
  ['ack lost', (row) => String(row.ackLost)],
  ['recovery ms', (row) => (row.recoveryMs === undefined ? '-' : row.recoveryMs.toFixed(0))],
  ['s', (row) => row.seconds.toFixed(0)],
  ['', (row) => (failuresOf(row).length === 0 ? 'ok' : 'FAILED')],
];

export function table(rows: readonly Row[]): string {
  const cells = [COLUMNS.map(([head]) => head), ...rows.map((row) => COLUMNS.map(([, cell]) => cell(row)))];
  const widths = COLUMNS.map((_, i) => Math.max(...cells.map((line) => line[i]!.length)));
  const lines = cells.map((line) =>
    line.map((text, i) => (i === 0 ? text.padEnd(widths[i]!) : text.padStart(widths[i]!))).join('  '),
  );
  const rule = '─'.repeat(Math.max(...lines.map(({ length }) => length)));
  const details = rows.map((row) => [`${row.id}  ${row.title}`, ...row.bounds.map(boundText), ...row.notes].join(' · '));
  return [lines[0], rule, ...lines.slice(1), '', ...details, '', LEGEND].join('\n');
}

const LEGEND = `sent         envelopes for a device that a bridge accepted from an app
delivered    of these, settled by the app they were for before their end
lost         neither; or its sender was told nothing by the end + 10 s, or was told it although no fault reached its end
doubled      handed over twice on one connection, or a number heard twice
disorder     numbers of a call that came out of order or with a gap
ghosts       a ring after the hang-up was there, past the offer's life, or for the second time
false ends   told definitely, and delivered all the same
open calls   calls that came to no end on a side
unjournaled  let go by the homeserver, and not known to the bridge after a kill
failed       told definitely and not delivered: the end lay inside a fault
unconfirmed  told that it may have arrived: the sender's own bridge heard no acknowledgement
ack lost     told definitely, and the app has it: what would have told its bridge was lost in the fault`;
