/** What is kept of a removed member's name. It can be tried out by whoever has the database and a guess; it cannot be read. */
import { createHash } from 'node:crypto';
import type { Localpart } from '../ids.ts';

export const heldName = (member: Localpart): Uint8Array => createHash('sha256').update(`volly/1/held-name ${member}`).digest();

const DAY_MS = 86_400_000;
/** The beginning of the day, in UTC. */
export const dayOf = (time: number): number => time - (time % DAY_MS);
