/** Calls that a legacy app makes. PROTOCOL.md sections 6, 9, 11 and 16. */
import { codeOf, VollyError } from '../../errors.ts';
import { type DeviceAddress, type MemberId, newCallId } from '../../ids.ts';
import { newerOf } from '../../party/key-queries.ts';
import { Link } from '../../party/link.ts';
import { Runner } from '../../party/runner.ts';
import type { RunnerOwner } from '../../party/runner-owner.ts';
import type { Peer } from '../../protocol/bundle.ts';
import { startCall } from '../../protocol/call.ts';
import { addressOf } from '../../protocol/header.ts';
import { sealOffer } from '../../protocol/offer.ts';
import { checkSdp } from '../../protocol/sdp.ts';
import type { App } from './app.ts';
import { LegacyCall } from './call.ts';
import type { Calls } from './calls.ts';
import type { Context } from './context.ts';
import type { LegacyKeyQueries } from './key-queries.ts';
import { splitSdp } from './sdp.ts';

export interface OutgoingOwner {
  readonly calls: Calls;
  readonly queries: LegacyKeyQueries;
}

/** Inside the queue. What goes wrong reaches the app as a hangup with the error's code. */
export async function startOutgoing(
  context: Context,
  owner: OutgoingOwner,
  { app, peer, sdp: full }: { readonly app: App; readonly peer: MemberId; readonly sdp: string },
): Promise<void> {
  const { calls } = owner;
  const call = new LegacyCall(context, { peer, apps: [app], onEnd: (ended) => calls.remove(ended) });
  const failed = (error: unknown) => {
    context.refused(error, 'app.volly.call.offer');
    call.end(codeOf(error) ?? 'bad_encoding');
  };
  try {
    if (calls.full) throw new VollyError('overloaded', 'calls');
    if (peer === context.keys.member) throw new VollyError('unknown_member', 'a call to oneself');
    calls.add(call);
    const { sdp, candidates } = splitSdp(full);
    checkSdp(sdp);
    for (const candidate of candidates) call.candidate(candidate);
    await calls.announce(call);
    // Not awaited: the keys come through this very queue.
    void begin(context, owner, call, sdp).catch(failed);
  } catch (error) {
    failed(error);
  }
}

async function begin(context: Context, owner: OutgoingOwner, call: LegacyCall, sdp: string): Promise<void> {
  const { queue, peers, random } = context;
  const found = await owner.queries.fetch(call.peer);
  await queue.run(async () => {
    if (call.over) return;
    await peers.pin(call.peer, found[0].identity);
    const devices = new Map(found.map((peer) => [addressOf(peer.target), peer]));
    const { state, effects } = startCall(newCallId(random), [...devices.keys()]);
    const runner: Runner = new Runner(context, state, callerOwner(context, owner, { call, sdp, devices, self: () => runner }));
    call.runner = runner;
    owner.calls.add(call, runner);
    await runner.perform(effects);
  });
}

interface Calling {
  readonly call: LegacyCall;
  readonly sdp: string;
  readonly devices: Map<DeviceAddress, Peer>;
  self(): Runner;
}

function callerOwner(context: Context, owner: OutgoingOwner, calling: Calling): RunnerOwner {
  const { provider, random, keys } = context;
  const { call, sdp, devices, self } = calling;
  return {
    makeOffer: async (device, callId) => {
      const peer = devices.get(device) as Peer;
      const [local, identity, now] = [keys.local(), keys.identity(), context.now()];
      const made = await sealOffer(provider, random, { device: local, peer, callId, sdp, policy: 'none', now, identity });
      owner.calls.route(callId, self());
      return { envelope: made.envelope, link: new Link(context, made.leg, made.session) };
    },
    refetch: (device) => void refetch(context, owner, calling, device),
    apply: (message) => call.apply(message),
    changed: (state) => owner.calls.changed(call, self(), state),
  };
}

/** No `ringing` in 5 s: whether the device has a newer prekey than the one its offer was sealed to. */
async function refetch(context: Context, owner: OutgoingOwner, calling: Calling, device: DeviceAddress): Promise<void> {
  const { call, devices, self } = calling;
  const old = devices.get(device) as Peer;
  const found = await owner.queries.fetch(call.peer).catch(() => []);
  const newer = newerOf(old, found);
  if (newer) devices.set(device, newer);
  const callId = newer && { callId: newCallId(context.random) };
  await context.run('refetch', () => self().dispatch({ kind: 'refetched', device, ...callId }));
}
