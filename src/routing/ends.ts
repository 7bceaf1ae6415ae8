/** Makes `undeliverable` envelopes and sees them to the sender's device, here or at another community. */
import type { RandomBytes } from '../clock.ts';
import { type ErrorCode, VollyError } from '../errors.ts';
import { type DeviceAddress, newEnvelopeId, type ServerName } from '../ids.ts';
import { ENVELOPES, type EnvelopeOf, serverOfAddress } from '../protocol/envelope.ts';
import type { Inbox } from './inbox.ts';
import type { Lives } from './lives.ts';
import type { Ended, Outbox } from './outbox.ts';
import type { Counters } from './ports.ts';

export interface EndsOptions {
  readonly own: ServerName;
  readonly inbox: Inbox;
  readonly outbox: Pick<Outbox, 'sendOnce'>;
  readonly lives: Lives;
  readonly random: RandomBytes;
  readonly counters: Counters;
}

export class Ends {
  readonly #options: EndsOptions;

  constructor(options: EndsOptions) {
    this.#options = options;
  }

  /**
   * Tells the sender of a row how it ended. Resolves when an own device's word is on disk. Nobody is told of types that are not
   * acknowledged, nor of what no device sent (bundles).
   */
  async tell(row: Ended, reason: ErrorCode): Promise<void> {
    const { own, inbox, outbox, lives, counters } = this.#options;
    counters.count('ended', { type: row.type, reason });
    if (!ENVELOPES[row.type].acked || ENVELOPES[row.type].from !== 'device') return;
    const envelope = this.#make(row.from as DeviceAddress, row, reason);
    const deadline = lives.deadline(envelope);
    if (serverOfAddress(envelope.to) !== own) return outbox.sendOnce(envelope, deadline);
    try {
      await inbox.accept(own, envelope.to, envelope, deadline);
    } catch (error) {
      // The app is away and its inbox is full: there is no room for bad news either.
      if (!(error instanceof VollyError) || error.code !== 'overloaded') throw error;
      counters.count('dropped', { type: envelope.type });
    }
  }

  #make(to: DeviceAddress, row: Ended, reason: ErrorCode): EnvelopeOf<'app.volly.undeliverable'> {
    const { own, lives, random } = this.#options;
    const type = 'app.volly.undeliverable';
    return { id: newEnvelopeId(random), type, from: own, to, expires: lives.expires(type), envelope: row.id, reason };
  }
}
