/** A sound message changed in one place at a time. Some of the results are sound too: whoever looks at them says so. */
import type { Cbor } from '../../src/protocol/cbor.ts';

const OTHERS: readonly Cbor[] = [99, 'Word 1', 'word', true, [], new Uint8Array(0), new Uint8Array(5)];
const JSON_OTHERS: readonly unknown[] = [-1, 1.5, 'Word 1', '', true, null, [], {}, 'nobody', '@orchid.example', 'a@b/c'];

export function broken(message: readonly Cbor[]): (readonly Cbor[])[];
export function broken(message: Readonly<Record<string, unknown>>): Record<string, unknown>[];
export function broken(message: readonly Cbor[] | Readonly<Record<string, unknown>>): unknown[] {
  if (!Array.isArray(message)) return brokenObject(message as Readonly<Record<string, unknown>>);
  const items = message as readonly Cbor[];
  const changed = items.flatMap((item, at) => [...OTHERS, ...resized(item)].map((other) => items.with(at, other)));
  return [...changed, [...items, 0], items.slice(0, -1), items.slice(1)].filter((one) => one.length > 0);
}

const resized = (item: Cbor): Cbor[] =>
  item instanceof Uint8Array && item.length > 0 ? [item.slice(1), Uint8Array.of(...item, 0), new Uint8Array(60_001)] : [];

function brokenObject(message: Readonly<Record<string, unknown>>): Record<string, unknown>[] {
  const names = Object.keys(message);
  const without = names.map((name) => Object.fromEntries(Object.entries(message).filter(([one]) => one !== name)));
  const changed = names.flatMap((name) => JSON_OTHERS.map((other) => ({ ...message, [name]: other })));
  return [...without, ...changed, { ...message, more: 1 }];
}
