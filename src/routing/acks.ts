/** Acknowledgements to other bridges, gathered for a moment: one envelope of ids instead of one each. */
import type { Clock, RandomBytes } from '../clock.ts';
import { type EnvelopeId, newEnvelopeId, type ServerName } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import type { EnvelopeOf } from '../protocol/envelope.ts';
import type { Lives } from './lives.ts';
import type { Outbox } from './outbox.ts';

/**
 * Far below the first repeat (1 s), and longer than an app takes to answer: an ack that left before the answer would take the homeserver's
 * next 10 ms away from it.
 */
const GATHER_MS = 100;

export interface AcksOptions {
  readonly own: ServerName;
  readonly outbox: Pick<Outbox, 'sendOnce'>;
  readonly lives: Lives;
  readonly clock: Clock;
  readonly random: RandomBytes;
}

export class Acks {
  readonly #options: AcksOptions;
  readonly #gathered = new Map<ServerName, { readonly ids: Set<EnvelopeId>; readonly cancel: () => void }>();

  constructor(options: AcksOptions) {
    this.#options = options;
  }

  /** Only after what the id names is on disk. */
  add(peer: ServerName, id: EnvelopeId): void {
    let gathered = this.#gathered.get(peer);
    if (!gathered) {
      gathered = { ids: new Set(), cancel: this.#options.clock.after(GATHER_MS, () => this.#flush(peer)) };
      this.#gathered.set(peer, gathered);
    }
    gathered.ids.add(id);
    if (gathered.ids.size >= LIMITS.acksPerEnvelope) this.#flush(peer);
  }

  /** Ids that wait to be sent. */
  get pending(): number {
    let sum = 0;
    for (const { ids } of this.#gathered.values()) sum += ids.size;
    return sum;
  }

  flush(): void {
    for (const peer of this.#gathered.keys()) this.#flush(peer);
  }

  #flush(peer: ServerName): void {
    const { own, outbox, lives, random } = this.#options;
    const gathered = this.#gathered.get(peer);
    if (!gathered) return;
    gathered.cancel();
    this.#gathered.delete(peer);
    const type = 'app.volly.ack';
    const envelope: EnvelopeOf<typeof type> = {
      id: newEnvelopeId(random),
      type,
      from: own,
      to: peer,
      expires: lives.expires(type),
      acks: [...gathered.ids],
    };
    outbox.sendOnce(envelope, lives.deadline(envelope));
  }
}
