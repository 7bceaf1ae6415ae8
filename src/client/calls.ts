/** All calls of this device: brings each envelope to the call it belongs to. Methods named `on…` run inside the client's queue. */
import { VollyError } from '../errors.ts';
import { type CallId, type DeviceAddress, type EnvelopeId, type MemberId, memberOf } from '../ids.ts';
import type { Link } from '../party/link.ts';
import { type CallEnvelope, openInto } from '../party/open.ts';
import type { Peer } from '../protocol/bundle.ts';
import type { EnvelopeOf } from '../protocol/envelope.ts';
import { readHeader } from '../protocol/header.ts';
import type { Call } from './call.ts';
import { CallRegistry } from './call-registry.ts';
import { Calling } from './calling.ts';
import type { Context } from './context.ts';
import type { Directory } from './directory.ts';
import type { PeerConnectionLike } from './peer-connection.ts';
import { Ringing, type RingingOwner } from './ringing.ts';

export class Calls {
  readonly #context: Context;
  readonly #registry: CallRegistry;
  readonly #calling: Calling;
  readonly #ringing: Ringing;

  constructor(context: Context, directory: Directory, owner: Omit<RingingOwner, 'release'>) {
    this.#context = context;
    this.#registry = new CallRegistry(context);
    this.#calling = new Calling(context, this.#registry, directory);
    this.#ringing = new Ringing(context, this.#registry, { ...owner, release: (id) => this.#release(id) });
  }

  start(member: MemberId, peers: readonly Peer[], pc: PeerConnectionLike): Promise<Call> {
    return this.#calling.start(member, peers, pc);
  }

  onOffer(envelope: EnvelopeOf<'app.volly.call.offer'>): Promise<void> {
    return this.#ringing.onOffer(envelope);
  }

  /** `keep` = not to be acknowledged, before `taken`: see EarlyMessages. Throws for what is refused. */
  async onMessage(envelope: CallEnvelope, taken: () => void): Promise<'done' | 'keep'> {
    const { callId } = readHeader(envelope).header;
    if (this.#registry.early.hasEnded(callId)) throw new VollyError('unknown_call', 'it ended');
    const runner = this.#registry.runner(callId);
    const onAnswer = (link: Link) => this.#confirm(memberOf(envelope.from), link);
    if (runner && (await openInto({ runner, callId, onAnswer }, envelope))) {
      await this.#release(callId);
      return 'done';
    }
    return this.#registry.early.hold(callId, { envelope, taken }, runner !== undefined);
  }

  /** A definite word about an envelope: nothing where it was no offer of ours. */
  async onUndelivered(id: EnvelopeId, reason: string): Promise<void> {
    for (const runner of this.#registry.runners()) if (await runner.undelivered(id, reason)) return;
  }

  /** The addressee's bridge has it: nothing where it is no offer of ours any more. */
  onDelivered(id: EnvelopeId): void {
    for (const runner of this.#registry.runners()) if (runner.addressee(id)) this.#registry.call(runner)?.heard('delivered');
  }

  /** To whom an offer of ours went. */
  addressee(id: EnvelopeId): DeviceAddress | undefined {
    for (const runner of this.#registry.runners()) {
      const device = runner.addressee(id);
      if (device) return device;
    }
    return undefined;
  }

  /** The app closes: every call of this user hears so; what only rings is left to the other devices. */
  async onClose(): Promise<void> {
    for (const runner of this.#registry.runners())
      if (this.#registry.call(runner)) await runner.dispatch({ kind: 'hangup', reason: 'hangup' });
  }

  /** The device that answers holds our list of the version that it was offered: the next offer to it may leave the identity out. */
  async #confirm(member: MemberId, link: Link): Promise<void> {
    const { dikHash, listVersion } = link.confirms;
    await this.#context.contacts.confirm(member, dikHash, listVersion);
  }

  /** What came before its call or its epoch, in order; what is still too early goes back. */
  #release(callId: CallId): Promise<void> {
    return this.#registry.early.release(callId, ({ envelope, taken }) => this.onMessage(envelope, taken));
  }
}
