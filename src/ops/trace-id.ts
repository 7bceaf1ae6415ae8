/**
 * The name under which one envelope goes through the logs and traces of both bridges: 16 bytes as W3C Trace Context has them, from a hash,
 * so that both bridges know it without a word on the wire, and nobody finds the envelope's id, which logs do not hold, by it.
 */
import { createHash } from 'node:crypto';
import type { Passing } from '../routing/ports.ts';

/** Ids are chosen by their senders: only with its server does one name an envelope. */
const serverIn = (address: string): string => address.replace(/\/.*$/, '').replace(/^.*@/, '');

/** 16 bytes for the trace and 8 for the span that all of its steps hang on, in hex. */
export function traceOf({ id, from }: Pick<Passing, 'id' | 'from'>): { readonly traceId: string; readonly spanId: string } {
  const hash = createHash('sha256')
    .update(`volly trace\n${serverIn(from)}\n${id}`)
    .digest('hex');
  return { traceId: hash.slice(0, 32), spanId: hash.slice(32, 48) };
}
