/** Other members' devices, for a legacy member. PROTOCOL.md sections 6 and 16. */
import { equal } from '../../bytes.ts';
import type { MemberId } from '../../ids.ts';
import { KeyQueries } from '../../party/key-queries.ts';
import type { Peer } from '../../protocol/bundle.ts';
import type { Context } from './context.ts';

export class LegacyKeyQueries extends KeyQueries {
  constructor(context: Context) {
    const { peers } = context;
    super(context, {
      known: (member) => peers.known(member),
      learn: (member, identity, seen) => peers.learn(member, identity, seen),
      unsent: 'overloaded',
    });
  }

  /** All under one identity: that of the first. */
  override async fetch(member: MemberId): Promise<readonly [Peer, ...Peer[]]> {
    // Our side of the call ends at a bridge already: a peer whose side does too takes nothing away.
    const [first, ...others] = await super.fetch(member, { allowLegacy: true });
    return [first, ...others.filter(({ identity }) => equal(identity.rootHash, first.identity.rootHash))];
  }
}
