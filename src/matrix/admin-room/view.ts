/** How a room stands: who is in it, who else may read what is written there. From its state, which others wrote. */
import { objectOf } from './events.ts';

export interface RoomView {
  /** Whoever is in the room, beside the bot. */
  readonly joined: readonly string[];
  /** Whoever may come in at once. */
  readonly invited: readonly string[];
  /** Others may read it, or come in without an invite to their name. */
  readonly open: boolean;
  readonly encrypted: boolean;
  /** Another room has taken its place. */
  readonly replaced: boolean;
}

/** `state`: the room's state events, unchecked. Never throws. What is not said counts as open. */
export function viewOf(state: unknown, bot: string): RoomView {
  const events = (Array.isArray(state) ? state : []).map(objectOf).filter((event) => event !== undefined);
  const contentOf = (type: string): Readonly<Record<string, unknown>> | undefined => {
    const event = events.find((one) => one['type'] === type && one['state_key'] === '');
    return event && (objectOf(event['content']) ?? {});
  };
  const withMembership = (membership: string): string[] =>
    events
      .filter((one) => one['type'] === 'm.room.member' && objectOf(one['content'])?.['membership'] === membership)
      .map((one) => String(one['state_key']))
      .filter((user) => user !== bot);
  // By mail, to whoever reads it: under which name that one comes is not known before. Taken back it is empty.
  const byMail = events.some(
    (one) => one['type'] === 'm.room.third_party_invite' && Object.keys(objectOf(one['content']) ?? {}).length > 0,
  );
  const worldReadable = contentOf('m.room.history_visibility')?.['history_visibility'] === 'world_readable';
  return {
    joined: withMembership('join'),
    invited: withMembership('invite'),
    open: contentOf('m.room.join_rules')?.['join_rule'] !== 'invite' || worldReadable || byMail,
    encrypted: contentOf('m.room.encryption') !== undefined,
    replaced: contentOf('m.room.tombstone') !== undefined,
  };
}
