import type { EnvelopeId } from '../../ids.ts';
import { LIMITS } from '../../limits.ts';
import { isDevice } from '../sender.ts';
import type { OutboxRow, OutboxStore } from '../types.ts';
import { Tally } from './tally.ts';

type Addresses = Omit<OutboxRow, 'encoded'>;

export function outboxStore(): OutboxStore & { dropWhere(goes: (row: Addresses) => boolean): void } {
  const rows = new Map<EnvelopeId, OutboxRow>();
  const acked = new Map<EnvelopeId, Addresses>();
  const ofPeer = new Tally();
  const ofSender = new Tally();
  const senderOf = (row: OutboxRow): string => `${row.peer} ${row.from}`;
  const drop = (row: OutboxRow): void => {
    rows.delete(row.id);
    ofPeer.add(row.peer, -1);
    ofSender.add(senderOf(row), -1);
  };

  return {
    async put(row) {
      if (rows.has(row.id) || acked.has(row.id)) return 'duplicate';
      if (ofPeer.of(row.peer) >= LIMITS.outboxPerPeer) return 'full';
      if (isDevice(row.from) && ofSender.of(senderOf(row)) >= LIMITS.outboxPerDevice) return 'full';
      rows.set(row.id, row);
      ofPeer.add(row.peer, 1);
      ofSender.add(senderOf(row), 1);
      return 'accepted';
    },
    async acknowledge(peer, ids) {
      return ids.filter((id) => {
        const row = rows.get(id);
        if (row?.peer !== peer) return false;
        const { encoded: _, ...addresses } = row;
        acked.set(id, addresses);
        drop(row);
        return true;
      });
    },
    all: async () => [...rows.values()],
    async remove(ids) {
      for (const id of ids) {
        const row = rows.get(id);
        if (row) drop(row);
        acked.delete(id);
      }
    },
    async find(id) {
      const row = rows.get(id) ?? acked.get(id);
      if (!row) return undefined;
      return { id: row.id, peer: row.peer, type: row.type, from: row.from, to: row.to, expires: row.expires };
    },
    async forget(now) {
      for (const [id, row] of acked) if (row.expires + LIMITS.ackedMemoryMs <= now) acked.delete(id);
    },
    dropWhere(goes) {
      for (const row of rows.values()) if (goes(row)) drop(row);
      for (const [id, row] of acked) if (goes(row)) acked.delete(id);
    },
  };
}
