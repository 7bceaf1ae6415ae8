import { LIMITS } from '../../limits.ts';
import type { QuarantineRow, QuarantineStore } from '../types.ts';

export type Quarantined = Map<number, QuarantineRow>;

export function quarantineStore(rows: Quarantined): QuarantineStore {
  let last = 0;
  const bytes = (): number => [...rows.values()].reduce((sum, { content }) => sum + Buffer.byteLength(content), 0);
  return {
    async add(row) {
      rows.set(++last, { ...row, content: row.content.slice(0, LIMITS.envelopeBytes) });
      for (const oldest of rows.keys()) {
        if (rows.size <= LIMITS.quarantineRows && bytes() <= LIMITS.quarantineBytes) break;
        rows.delete(oldest);
      }
    },
    count: async () => rows.size,
    page: async (before, limit, code) =>
      [...rows]
        .filter(([seq, row]) => seq < before && (code === undefined || row.code === code))
        .reverse()
        .slice(0, limit)
        .map(([seq, row]) => ({ seq, ...row })),
    get: async (seq) => rows.get(seq),
    async remove(which) {
      const gone = [...rows].filter(([seq, row]) => ('seq' in which ? seq === which.seq : row.code === which.code));
      for (const [seq] of gone) rows.delete(seq);
      return gone.length;
    },
  };
}
