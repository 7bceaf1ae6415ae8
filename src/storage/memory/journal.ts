import type { JournalStore } from '../types.ts';

export function journalStore(): JournalStore {
  let last = 0;
  const entries = new Map<number, { receiver: string; raw: string }>();
  return {
    async append(receiver, raw) {
      entries.set(++last, { receiver, raw });
      return last;
    },
    pending: async (receiver) =>
      [...entries].filter(([, row]) => row.receiver === receiver).map(([entry, row]) => ({ entry, raw: row.raw })),
    done: async (entry) => void entries.delete(entry),
  };
}
