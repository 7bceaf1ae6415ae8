/** The resumption ticket between runs (PROTOCOL.md section 14.4). It is used once, so the store must forget it no later than the bridge. */

import { Queue } from '../party/queue.ts';
import { asBytes } from '../protocol/cbor.ts';
import type { Ticket } from './connection-types.ts';
import { readRecord, type Store, writeRecord } from './store.ts';

const NAME = 'ticket';
const BYTES = 32;

export async function loadTicket(store: Store): Promise<Ticket | undefined> {
  const fields = await readRecord(store, NAME);
  return fields && { ticket: asBytes(fields[0], 'ticket', BYTES), psk: asBytes(fields[1], 'psk', BYTES) };
}

/** In order; the connection does not wait. A ticket that could not be kept costs one full handshake. */
export function ticketSaver(store: Store, failed: (error: unknown) => void): (ticket: Ticket | undefined) => void {
  const queue = new Queue();
  return (ticket) =>
    void queue
      .run(() => (ticket ? writeRecord(store, NAME, [ticket.ticket, ticket.psk]) : store.delete(NAME)))
      .catch((error) => failed(error));
}
