/** What the parts of one client share. Made once, in client.ts. */
import type { PartyContext } from '../party/context.ts';
import type { Contacts } from './contacts.ts';
import type { Keys } from './keys.ts';
import type { Store } from './store.ts';

export interface Context extends PartyContext {
  readonly store: Store;
  readonly keys: Keys;
  readonly contacts: Contacts;
  /** By the gateway's signed time. */
  now(): number;
  /** The later of that and the local clock: keys and lists expire by it, or a lying bridge could keep them alive. */
  keyNow(): number;
}
