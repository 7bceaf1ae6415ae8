/** Rows that the tests of the stores put in. */
import type { EnvelopeId } from '../../src/ids.ts';
import { parseDeviceAddress, parseServerName } from '../../src/ids.ts';
import type { InboxRow, OutboxRow } from '../../src/storage/types.ts';

export const orchid = parseServerName('orchid.example');
export const fern = parseServerName('fern.example');
export const phone = parseDeviceAddress('bob@fern.example/PHONE');

export const idOf = (n: number): EnvelopeId => `${String(n).padStart(21, '0')}A` as EnvelopeId;
export const outboxRow = (n: number, changes: Partial<OutboxRow> = {}): OutboxRow => ({
  id: idOf(n),
  peer: fern,
  type: 'app.volly.call.offer',
  from: 'alice@orchid.example/PHONE',
  to: phone,
  expires: 1_000,
  encoded: `{"n":${n}}`,
  ...changes,
});

export const inboxRow = (n: number, changes: Partial<InboxRow> = {}): InboxRow => ({
  id: idOf(n),
  origin: orchid,
  type: 'app.volly.call.offer',
  from: 'alice@orchid.example/PHONE',
  to: phone,
  expires: 1_000,
  encoded: `{"n":${n}}`,
  ...changes,
});
