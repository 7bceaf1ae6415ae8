/** B7: what our crypto adds to its primitives, for a call and for a gateway handshake, with each provider. */
import { pathToFileURL } from 'node:url';
import { native } from '../src/crypto/native.ts';
import { noble } from '../src/crypto/noble.ts';
import { bareNative, bareNoble } from './b7-bare.ts';
import { bareCall, ourCall } from './b7-call.ts';
import { bareHandshake, ourHandshake } from './b7-handshake.ts';
import { median, type Progress, type Row } from './rows.ts';

const TARGET = 1.3;

async function timed(work: () => unknown): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** The median over all rounds of ours against the median of bare, one by one in turn, so that both meet the same machine. */
async function compare(ours: () => unknown, bare: () => unknown, times: number, rounds: number) {
  const all: { ours: number[]; bare: number[] } = { ours: [], bare: [] };
  for (let i = 0; i < times; i++) await timed(i % 2 ? ours : bare);
  for (let round = 0; round < rounds; round++)
    for (let time = 0; time < times; time++) {
      all.ours.push(await timed(ours));
      all.bare.push(await timed(bare));
    }
  return { ours: median(all.ours), bare: median(all.bare) };
}

export async function run(wanted: number, progress: Progress = () => {}): Promise<Row[]> {
  const rounds = Math.max(wanted, 5);
  const rows: Row[] = [];
  const sides = [
    ...(native ? [{ provider: native, bare: bareNative(), times: 60 }] : []),
    { provider: noble, bare: bareNoble(), times: 8 },
  ];
  for (const { provider, bare, times } of sides)
    for (const { what, ours, base } of [
      { what: 'a call', ours: ourCall(provider), base: bareCall(bare) },
      { what: 'a gateway handshake', ours: ourHandshake(provider), base: bareHandshake(bare) },
    ]) {
      progress(`B7 crypto of ${what}, ${provider.name} provider`);
      const found = await compare(ours, base, times, rounds);
      rows.push({
        id: 'B7',
        measure: `crypto of ${what}, ${provider.name} provider ÷ its primitives bare`,
        value: found.ours / found.bare,
        target: TARGET,
        better: 'lower',
        rounds,
        note: `${found.ours.toFixed(2)} ms against ${found.bare.toFixed(2)} ms`,
      });
    }
  return rows;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) console.table(await run(5, console.error));
