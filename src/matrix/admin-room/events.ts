/**
 * Which of the room events that the homeserver pushes concern the admin room. All of it was written by others: what is not as it must be is
 * `malformed`, and what is for nobody here is undefined.
 */
import { LIMITS } from '../../limits.ts';

interface Common {
  readonly room: string;
  /** The event's own id. */
  readonly id: string;
  readonly sender: string;
  /** Unix time in ms, by the sender's homeserver. */
  readonly at: number;
}

export type RoomEvent = Common &
  (
    | { readonly kind: 'invite' }
    /** Somebody wrote this. */
    | { readonly kind: 'line'; readonly line: string }
    /** Somebody wrote what cannot be read, or made the room so. */
    | { readonly kind: 'encrypted' }
    /** `user` is in the room no more, or no more invited. */
    | { readonly kind: 'gone'; readonly user: string }
    /** Another room takes its place. */
    | { readonly kind: 'replaced' }
  );

/** `bot`: the user for whom invites count. Never throws. */
export function readEvent(event: unknown, bot: string): RoomEvent | 'malformed' | undefined {
  const fields = objectOf(event);
  if (!fields) return 'malformed';
  const { type, room_id: room, event_id: id, sender, origin_server_ts: at, content } = fields;
  if (!isId(room, '!') || !isId(id, '$') || !isId(sender, '@') || !Number.isSafeInteger(at)) return 'malformed';
  if (sender === bot) return undefined;
  const common: Common = { room, id, sender, at: at as number };
  const said = objectOf(content);
  if (!said) return 'malformed';
  switch (type) {
    case 'm.room.message':
      return lineOf(common, said);
    case 'm.room.member':
      return membershipOf(common, fields['state_key'], said['membership'], bot);
    case 'm.room.encrypted':
    case 'm.room.encryption':
      return { ...common, kind: 'encrypted' };
    case 'm.room.tombstone':
      return { ...common, kind: 'replaced' };
    default:
      return undefined;
  }
}

/** Text alone: notices are what programs write, and answering them would be a loop. An edit is not a second command. */
function lineOf(common: Common, { msgtype, body, 'm.relates_to': relates }: Fields): RoomEvent | 'malformed' | undefined {
  if (msgtype !== 'm.text' || objectOf(relates)?.['rel_type'] === 'm.replace') return undefined;
  if (typeof body !== 'string' || body.length > LIMITS.adminLineCharacters) return 'malformed';
  const line = body.trim();
  return line === '' ? undefined : { ...common, kind: 'line', line };
}

function membershipOf(common: Common, user: unknown, membership: unknown, bot: string): RoomEvent | 'malformed' | undefined {
  if (!isId(user, '@')) return 'malformed';
  if (membership === 'invite') return user === bot ? { ...common, kind: 'invite' } : undefined;
  return membership === 'leave' || membership === 'ban' ? { ...common, kind: 'gone', user } : undefined;
}

type Fields = Readonly<Record<string, unknown>>;

export const objectOf = (value: unknown): Fields | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;

/** No id of Matrix is longer. */
const ID_CHARACTERS = 255;

const isId = (value: unknown, sigil: string): value is string =>
  typeof value === 'string' && value.startsWith(sigil) && value.length <= ID_CHARACTERS;
