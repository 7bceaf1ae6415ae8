/** What other bridges sent and this one refused. Shown are the outsides of envelopes; what is sealed stays where it is. */
import { z } from 'zod';
import { VollyError } from '../../../errors.ts';
import type { QuarantineRow } from '../../../storage/types.ts';
import { operation } from '../operation.ts';
import { done, limit, nothing, time } from '../params.ts';
import { bytes, moment, table } from '../text.ts';
import { outsideOf } from './outside.ts';

const item = z.coerce.number().int().min(1).meta({ description: 'Its number in `quarantine list`.' });
const code = z
  .string()
  .regex(/^[a-z_]{1,40}$/)
  .meta({ description: 'Why it was refused: a code of docs/ERRORS.md.' });
const row = z.strictObject({
  item: z.int(),
  at: time,
  from: z.string().meta({ description: 'The server that sent it, or `transactions`: the own homeserver.' }),
  code: z.string(),
  type: z.string().optional().meta({ description: 'The envelope’s type, where it can be read.' }),
  bytes: z.int().meta({ description: 'As much as was kept.' }),
});
const outside = z.strictObject({
  id: z.string().optional(),
  from: z.string().optional(),
  to: z.string().optional(),
  expires: z.number().optional(),
  fields: z.array(z.string()).meta({ description: 'Names of the fields; what they hold is not shown.' }),
});
const one = z.strictObject({ item });

const rowOf = (seq: number, kept: QuarantineRow): z.output<typeof row> => {
  const { type } = outsideOf(kept.content);
  return {
    item: seq,
    at: kept.at,
    from: kept.source,
    code: kept.code,
    ...(type === undefined ? {} : { type }),
    bytes: Buffer.byteLength(kept.content),
  };
};
const HEAD = ['ITEM', 'WHEN', 'FROM', 'CODE', 'TYPE', 'SIZE'];
const cells = (each: z.output<typeof row>): readonly string[] => [
  String(each.item),
  moment(each.at),
  each.from,
  each.code,
  each.type ?? '-',
  bytes(each.bytes),
];
const missing = () => new VollyError('not_found', 'quarantine');

export const quarantineList = operation({
  name: 'quarantine list',
  method: 'GET',
  path: '/quarantine',
  summary: 'list what was refused and kept, newest first',
  changes: false,
  params: nothing.extend({
    limit,
    before: z.coerce
      .number()
      .int()
      .min(1)
      .optional()
      .meta({ description: 'Only older ones than this: `next` of the page before.' }),
    code: code.optional(),
  }),
  result: z.strictObject({
    total: z.int().meta({ description: 'Of all codes.' }),
    items: z.array(row),
    next: z.int().optional().meta({ description: 'There are more, older than this.' }),
  }),
  errors: [],
  perform: async ({ stores: { quarantine } }, params) => {
    const rows = await quarantine.page(params.before ?? Number.MAX_SAFE_INTEGER, params.limit + 1, params.code);
    const items = rows.slice(0, params.limit).map((each) => rowOf(each.seq, each));
    return { total: await quarantine.count(), items, ...(rows.length > items.length ? { next: items.at(-1)!.item } : {}) };
  },
  text: ({ items, next }) =>
    `${table(HEAD, items.map(cells), 'Nothing is in quarantine.')}${next === undefined ? '' : `\nmore: --before ${next}`}`,
});

export const quarantineShow = operation({
  name: 'quarantine show',
  method: 'GET',
  path: '/quarantine/{item}',
  summary: 'show the outside of what was refused',
  changes: false,
  params: one,
  result: row.extend({ outside }),
  errors: ['not_found'],
  perform: async ({ stores }, params) => {
    const kept = await stores.quarantine.get(params.item);
    if (!kept) throw missing();
    const { type: _, ...rest } = outsideOf(kept.content);
    return { ...rowOf(params.item, kept), outside: rest };
  },
  text: ({ outside: { id, from, to, expires, fields }, ...each }) =>
    [
      table(HEAD, [cells(each)], ''),
      '',
      `id       ${id ?? '-'}`,
      `from     ${from ?? '-'}`,
      `to       ${to ?? '-'}`,
      `expires  ${moment(expires)}`,
      `fields   ${fields.join(', ') || '-'}`,
    ].join('\n'),
});

export const quarantineRelease = operation({
  name: 'quarantine release',
  method: 'POST',
  path: '/quarantine/{item}/release',
  summary: 'route once more what was refused, as after an upgrade',
  notes:
    'It passes every check again. What does goes from the quarantine; what does not stays, and the error says why: most messages are past their end (`expired`) soon, and of some only the outside was kept (`bad_encoding`).',
  changes: true,
  params: one,
  result: z.strictObject({ envelopes: z.int() }),
  errors: ['not_found', 'bad_encoding', 'expired', 'denied_by_policy', 'wrong_sender', 'wrong_recipient', 'wrong_type'],
  perform: async (ports, params) => {
    const kept = await ports.stores.quarantine.get(params.item);
    if (!kept) throw missing();
    const envelopes = await ports.release(kept);
    await ports.stores.quarantine.remove({ seq: params.item });
    return { envelopes };
  },
  text: ({ envelopes }) => `Released: ${envelopes} ${envelopes === 1 ? 'envelope' : 'envelopes'}.`,
});

export const quarantineDrop = operation({
  name: 'quarantine drop',
  method: 'DELETE',
  path: '/quarantine/{item}',
  summary: 'delete one of what was refused',
  changes: true,
  params: one,
  result: done,
  errors: ['not_found'],
  perform: async ({ stores }, params) => {
    if ((await stores.quarantine.remove({ seq: params.item })) === 0) throw missing();
    return { changed: true };
  },
  text: () => 'Dropped.',
});

export const quarantineClear = operation({
  name: 'quarantine clear',
  method: 'DELETE',
  path: '/quarantine/codes/{code}',
  summary: 'delete all that was refused with one code',
  changes: true,
  asks: 'All that was refused with this code is deleted.',
  params: z.strictObject({ code }),
  result: z.strictObject({ dropped: z.int() }),
  errors: [],
  perform: async ({ stores }, params) => ({ dropped: await stores.quarantine.remove({ code: params.code }) }),
  text: ({ dropped }) => `Dropped: ${dropped}.`,
});
