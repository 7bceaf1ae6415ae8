/** Stores that forget at the end of the process: for tests, and for looking at the bridge without a disk in the way. */
import { LIMITS } from '../../limits.ts';
import type { FactStore, QuarantineRow, QuarantineStore, Stores } from '../types.ts';
import { inviteStore, ticketStore } from './access.ts';
import { inboxStore } from './inbox.ts';
import { journalStore } from './journal.ts';
import { memberStore } from './members.ts';
import { outboxStore } from './outbox.ts';
import { peerStore } from './peers.ts';

function factStore(): FactStore {
  const facts = new Map<string, string>();
  return { get: async (name) => facts.get(name), set: async (name, value) => void facts.set(name, value) };
}

function quarantineStore(): QuarantineStore {
  const rows: QuarantineRow[] = [];
  let bytes = 0;
  return {
    async add(row) {
      const content = row.content.slice(0, LIMITS.envelopeBytes);
      rows.push({ ...row, content });
      bytes += Buffer.byteLength(content);
      while (rows.length > LIMITS.quarantineRows || bytes > LIMITS.quarantineBytes)
        bytes -= Buffer.byteLength(rows.shift()!.content);
    },
    count: async () => rows.length,
  };
}

export function memoryStores(): Stores {
  return {
    journal: journalStore(),
    inbox: inboxStore(),
    outbox: outboxStore(),
    peers: peerStore(),
    quarantine: quarantineStore(),
    members: memberStore(),
    invites: inviteStore(),
    tickets: ticketStore(),
    facts: factStore(),
    close: async () => {},
  };
}
