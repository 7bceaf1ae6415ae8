import type { JournalStore } from '../types.ts';

export function journalStore(): JournalStore {
  let last = 0;
  const entries = new Map<number, { receiver: string; raw: string }>();
  const positions = new Map<string, string>();
  return {
    async append(receiver, raw, position) {
      entries.set(++last, { receiver, raw });
      positions.set(receiver, position);
      return last;
    },
    pending: async (receiver) =>
      [...entries].filter(([, row]) => row.receiver === receiver).map(([entry, row]) => ({ entry, raw: row.raw })),
    done: async (entry) => void entries.delete(entry),
    position: async (receiver) => positions.get(receiver),
    reset: async (receiver) => void positions.delete(receiver),
  };
}
