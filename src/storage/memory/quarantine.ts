import { LIMITS } from '../../limits.ts';
import type { QuarantineRow, QuarantineStore } from '../types.ts';

export type Quarantined = Map<number, QuarantineRow>;

export function quarantineStore(rows: Quarantined): QuarantineStore {
  let last = 0;
  // The map outlives a store, as a disk does.
  let bytes = [...rows.values()].reduce((sum, { content }) => sum + Buffer.byteLength(content), 0);
  const drop = (seq: number, { content }: QuarantineRow): void => {
    rows.delete(seq);
    bytes -= Buffer.byteLength(content);
  };
  return {
    async add(row) {
      const content = row.content.slice(0, LIMITS.envelopeBytes);
      rows.set(++last, { ...row, content });
      bytes += Buffer.byteLength(content);
      for (const [seq, oldest] of rows) {
        if (rows.size <= LIMITS.quarantineRows && bytes <= LIMITS.quarantineBytes) break;
        drop(seq, oldest);
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
      for (const [seq, row] of gone) drop(seq, row);
      return gone.length;
    },
  };
}
