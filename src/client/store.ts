/**
 * What must survive a restart, as bytes under a few names: identity and prekey seeds, the ticket, contacts and pins, grants, the replay
 * cache. All of it is secret or personal: keep it as the platform keeps secrets. Call keys are never among it (PROTOCOL.md section 10).
 */
import type { Bytes } from '../bytes.ts';
import { VollyError } from '../errors.ts';
import { asArray, type Cbor, decodeCbor, encodeCbor } from '../protocol/cbor.ts';

/**
 * The app's storage. Names are `[a-z]+`. A promise resolves once the change is durable: what the bridge is told we have, we have. One
 * store belongs to one client at a time.
 */
export interface Store {
  /** Undefined where nothing is kept under this name. */
  get(name: string): Promise<Uint8Array | undefined>;
  /** Whole or not at all, also when the device loses power meanwhile. A value has from some bytes to some megabytes (contacts). */
  set(name: string, value: Uint8Array): Promise<void>;
  /** Nothing happens where there is none. */
  delete(name: string): Promise<void>;
}

/** For tests and for devices that enrol anew at each start. */
export class MemoryStore implements Store {
  readonly #values = new Map<string, Bytes>();

  /** A copy. */
  async get(name: string): Promise<Uint8Array | undefined> {
    return this.#values.get(name)?.slice();
  }

  /** Keeps a copy. */
  async set(name: string, value: Uint8Array): Promise<void> {
    this.#values.set(name, value.slice() as Bytes);
  }

  /** Nothing happens where there is none. */
  async delete(name: string): Promise<void> {
    this.#values.delete(name);
  }
}

/** The first item of every record: a newer program reads the older one's, never the other way round. */
const VERSION = 1;
const MANY_FIELDS = 100;

/** @internal Undefined where there is none. Throws `bad_encoding` for a damaged one, `newer_schema` for one that this program cannot read. */
export async function readRecord(store: Store, name: string): Promise<readonly Cbor[] | undefined> {
  const bytes = await store.get(name);
  if (!bytes) return undefined;
  const [version, ...fields] = asArray(decodeCbor(bytes), name, 1, MANY_FIELDS);
  // Not undefined: that would be a fresh store, and the next write the end of what is in it.
  if (version !== VERSION) throw new VollyError('newer_schema', `the store's ${name}`);
  return fields;
}

/** @internal */
export const writeRecord = (store: Store, name: string, fields: readonly Cbor[]): Promise<void> =>
  store.set(name, encodeCbor([VERSION, ...fields]));
