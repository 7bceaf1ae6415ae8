/** Stores that forget at the end of the process: for tests, and for looking at the bridge without a disk in the way. */
import { systemClock } from '../../clock.ts';
import type { FactStore, Stores } from '../types.ts';
import { type Invites, inviteStore, type Tickets, ticketStore } from './access.ts';
import { inboxStore } from './inbox.ts';
import { journalStore } from './journal.ts';
import { memberStore, memberTable } from './members.ts';
import { outboxStore } from './outbox.ts';
import { peerStore } from './peers.ts';
import { type Quarantined, quarantineStore } from './quarantine.ts';
import { type Forgetting, rollStore } from './roll.ts';

function factStore(facts: Map<string, string>): FactStore {
  return { get: async (name) => facts.get(name), set: async (name, value) => void facts.set(name, value) };
}

export function memoryStores(clock: { now(): number } = systemClock): Stores {
  const table = memberTable();
  const [facts, invites, tickets]: [Map<string, string>, Invites, Tickets] = [new Map(), new Map(), new Map()];
  const quarantined: Quarantined = new Map();
  const [inbox, outbox] = [inboxStore(), outboxStore()];
  const dropWhere = <K, V>(map: Map<K, V>, goes: (value: V, key: K) => boolean): void => {
    for (const [key, value] of map) if (goes(value, key)) map.delete(key);
  };
  const others: Forgetting = {
    forget(member, isOwn, isOwnFact) {
      const localpart = member.slice(0, member.indexOf('@'));
      dropWhere(facts, (_, name) => isOwnFact(name));
      dropWhere(invites, (invite) => invite.member === localpart);
      dropWhere(tickets, ({ device }) => isOwn(device));
      dropWhere(quarantined, ({ content }) => content.includes(`"${member}"`) || content.includes(`"${member}/`));
      inbox.dropWhere(({ from, to }) => isOwn(from) || isOwn(to));
      outbox.dropWhere(({ from }) => isOwn(from));
    },
    forgetDevice(address) {
      dropWhere(tickets, ({ device }) => device === address);
      inbox.dropWhere(({ to }) => to === address);
    },
  };
  return {
    journal: journalStore(),
    inbox,
    outbox,
    peers: peerStore(),
    quarantine: quarantineStore(quarantined),
    members: memberStore(table, clock),
    roll: rollStore(table, others),
    invites: inviteStore(invites),
    tickets: ticketStore(tickets),
    facts: factStore(facts),
    close: async () => {},
  };
}
