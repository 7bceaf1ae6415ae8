/** Everything that the doctor finds wrong, with cause and cure. Codes are stable and never reused. docs/DOCTOR.md is generated from it. */
import { HOMESERVER_TROUBLES } from './troubles/homeserver.ts';
import { MACHINE_TROUBLES } from './troubles/machine.ts';
import { OUTSIDE_TROUBLES } from './troubles/outside.ts';
import type { Trouble } from './troubles/trouble.ts';

const catalogue = { ...MACHINE_TROUBLES, ...HOMESERVER_TROUBLES, ...OUTSIDE_TROUBLES };

export type TroubleCode = keyof typeof catalogue;
export const TROUBLES: Readonly<Record<TroubleCode, Trouble>> = catalogue;
