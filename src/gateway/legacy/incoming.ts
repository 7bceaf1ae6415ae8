/** Offers to a legacy member: opened, declined, or rung on its apps. PROTOCOL.md sections 11, 12 and 16. */
import { VollyError } from '../../errors.ts';
import { memberOf } from '../../ids.ts';
import { Link } from '../../party/link.ts';
import { Runner } from '../../party/runner.ts';
import { NO_OFFERS } from '../../party/runner-owner.ts';
import { receiveCall } from '../../protocol/call.ts';
import type { EnvelopeOf } from '../../protocol/envelope.ts';
import { type Offer, openOffer } from '../../protocol/offer.ts';
import type { App } from './app.ts';
import { LegacyCall } from './call.ts';
import type { Calls } from './calls.ts';
import type { Context } from './context.ts';

export interface IncomingOwner {
  readonly calls: Calls;
  readonly apps: ReadonlySet<App>;
  /** Runs it once the backlog is opened: at once, or behind all that waited. */
  whenCaughtUp(task: () => Promise<void>): void;
}

/** Inside the queue. Throws what `openOffer` does: dropped without an answer. */
export async function onOffer(
  context: Context,
  owner: IncomingOwner,
  envelope: EnvelopeOf<'app.volly.call.offer'>,
): Promise<void> {
  const { provider, keys, peers, verified } = context;
  const { calls, apps } = owner;
  const { known, isContact } = await peers.recall(memberOf(envelope.from));
  const options = {
    device: keys.local(),
    known,
    guard: keys.offers.guard(isContact),
    now: context.now(),
    keyNow: context.keyNow(),
    verified,
  };
  const { offer, leg, session } = await openOffer(provider, envelope, options);
  const link = new Link(context, leg, session);
  if (calls.knows(offer.callId)) {
    link.erase();
    throw new VollyError('replayed', 'call');
  }
  await peers.learn(offer.from.member, offer.identity, { beside: true });
  // An app that only knows plain WebRTC cannot encrypt its frames, and an answer may not be weaker than its offer (section 9.2).
  if (offer.policy === 'required') return decline(context, calls, link, 'not_end_to_end');
  const free = [...apps].filter((app) => !calls.between(app, offer.from.member));
  // Plain frames tell no two calls with one peer apart.
  if (free.length === 0 || calls.full) return decline(context, calls, link, 'busy');
  await ring(context, owner, { offer, link, free });
}

function decline(context: Context, calls: Calls, link: Link, reason: string): void {
  const envelope = link.seal({ type: 'reject', reason, all: reason !== 'busy' });
  context.send(envelope).catch((error) => context.refused(error, envelope.type));
  link.erase();
  calls.forget([link.callId]);
}

async function ring(
  context: Context,
  { calls, whenCaughtUp }: IncomingOwner,
  { offer, link, free }: { readonly offer: Offer; readonly link: Link; readonly free: readonly App[] },
): Promise<void> {
  const peer = offer.from.member;
  const begin = receiveCall(offer.callId, link.device);
  const call: LegacyCall = new LegacyCall(context, { peer, apps: free, offer, onEnd: (ended) => calls.remove(ended) });
  const runner = new Runner(context, begin.state, {
    ...NO_OFFERS,
    apply: (message) => call.apply(message),
    changed: (state) => calls.changed(call, runner, state),
  });
  runner.add(link);
  call.runner = runner;
  calls.add(call, runner);
  // A hangup that overtook its offer stops the ring before it starts, and so does one further back in the backlog.
  await calls.release(offer.callId);
  whenCaughtUp(async () => {
    if (runner.state.phase !== 'ringing') return;
    if (context.now() >= offer.expires) return runner.dispatch({ kind: 'timer', timer: 'ring' });
    await runner.perform(begin.effects);
    await calls.announce(call);
  });
}
