/**
 * The way of every envelope between two communities, as the taps see it: handed by a bridge to its homeserver, sent by that to the other
 * homeserver, fetched by the other bridge. Only what passed is told; nothing is asked of the programs that are watched.
 */
import { memberOf } from '../../src/ids.ts';
import type { Envelope, EnvelopeType } from '../../src/protocol/envelope.ts';
import type { Exchange } from '../support/tap.ts';

export interface Hop {
  readonly type: EnvelopeType;
  readonly from: string;
  readonly to: string;
  /** Of the envelope's JSON. */
  readonly bytes: number;
  /** Milliseconds from the first bridge's request until its homeserver calls the other, */
  readonly sent: number;
  /** and from there until the other bridge has it from its own. */
  readonly received: number;
}

interface Passing {
  type: EnvelopeType;
  from: string;
  to: string;
  bytes: number;
  sent?: number;
  federation?: number;
  fetched?: number;
  told?: boolean;
}

type Json = { readonly [key: string]: Json } & readonly Json[];

/** Every `{type, content: {envelopes}}` and every to-device message in a body of any of the three kinds. */
function* envelopesIn(exchange: Exchange): Generator<Envelope> {
  const body = exchange.path.includes('/sync') ? exchange.response : exchange.request;
  let json: Json;
  try {
    json = JSON.parse(body.toString()) as Json;
  } catch {
    return;
  }
  yield* walk(json);
}

function* walk(value: unknown): Generator<Envelope> {
  if (typeof value !== 'object' || value === null) return;
  for (const [name, inner] of Object.entries(value)) {
    if (name === 'envelopes' && Array.isArray(inner)) yield* inner as Envelope[];
    else yield* walk(inner);
  }
}

export class Way {
  readonly #passing = new Map<string, Passing>();
  readonly #tell: (hop: Hop) => void;

  constructor(tell: (hop: Hop) => void) {
    this.#tell = tell;
  }

  watch = (exchange: Exchange): void => {
    const isSync = exchange.path.includes('/sync');
    const isFederation = exchange.path.includes('/federation/v1/send/');
    if (!isSync && !isFederation && !exchange.path.includes('/sendToDevice/')) return;
    for (const envelope of envelopesIn(exchange)) {
      const passing = this.#of(envelope);
      // A repeated envelope has its way already: the first one counts.
      if (isSync) passing.fetched ??= exchange.answeredAt;
      else if (isFederation) passing.federation ??= exchange.requestedAt;
      else passing.sent ??= exchange.requestedAt;
      this.#done(passing);
    }
  };

  #of(envelope: Envelope): Passing {
    let passing = this.#passing.get(envelope.id);
    if (!passing) {
      const { type, from, to } = envelope;
      passing = { type, from: nameOf(from), to: nameOf(to), bytes: JSON.stringify(envelope).length };
      this.#passing.set(envelope.id, passing);
    }
    return passing;
  }

  /** The taps tell of an exchange when it is over, and a homeserver wakes the other bridge before it answers the first. */
  #done(passing: Passing): void {
    const { type, from, to, bytes, sent, federation, fetched, told } = passing;
    if (told || sent === undefined || federation === undefined || fetched === undefined) return;
    passing.told = true;
    this.#tell({ type, from, to, bytes, sent: federation - sent, received: fetched - federation });
  }
}

const nameOf = (address: string): string => (address.includes('/') ? memberOf(address as never) : address);
