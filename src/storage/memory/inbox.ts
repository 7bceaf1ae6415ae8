import type { EnvelopeId, ServerName } from '../../ids.ts';
import { LIMITS } from '../../limits.ts';
import type { InboxRow, InboxStore } from '../types.ts';
import { Tally } from './tally.ts';

export function inboxStore(): InboxStore {
  /** (origin, id) → when to forget it. A server name has no space. */
  const seen = new Map<string, number>();
  const rows = new Map<string, InboxRow>();
  const keyOf = (origin: ServerName, id: EnvelopeId): string => `${origin} ${id}`;
  const ofOrigin = new Tally();
  const ofDevice = new Tally();
  const seenOf = new Tally();
  const isFull = (origin: ServerName, row: InboxRow | undefined): boolean => {
    if (seenOf.of(origin) >= LIMITS.seenPerOrigin) return true;
    if (!row) return false;
    return ofOrigin.of(origin) >= LIMITS.inboxPerOrigin || ofDevice.of(row.to) >= LIMITS.inboxPerDevice;
  };
  const drop = (key: string, row: InboxRow): void => {
    rows.delete(key);
    ofOrigin.add(row.origin, -1);
    ofDevice.add(row.to, -1);
  };

  return {
    async accept({ origin, id, forgetAt }, row) {
      const key = keyOf(origin, id);
      if (seen.has(key)) return 'duplicate';
      if (isFull(origin, row)) return 'full';
      seen.set(key, forgetAt);
      seenOf.add(origin, 1);
      if (!row) return 'accepted';
      rows.set(key, row);
      ofOrigin.add(origin, 1);
      ofDevice.add(row.to, 1);
      return 'accepted';
    },
    seen: async (origin, id) => seen.has(keyOf(origin, id)),
    waiting: async (device) => [...rows.values()].filter((row) => row.to === device),
    async taken(device, origin, id) {
      const key = keyOf(origin, id);
      const row = rows.get(key);
      if (row?.to !== device) return false;
      drop(key, row);
      return true;
    },
    async expire(now, limit) {
      for (const [key, forgetAt] of seen) {
        if (forgetAt > now) continue;
        seen.delete(key);
        seenOf.add(key.slice(0, key.indexOf(' ')), -1);
      }
      const due = [...rows].filter(([, row]) => row.expires <= now).sort(([, a], [, b]) => a.expires - b.expires);
      return due.slice(0, limit).map(([key, row]) => {
        drop(key, row);
        return row;
      });
    },
  };
}
