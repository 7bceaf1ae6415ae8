/** The scenarios of the fault tests, in the order they run. A scenario's file exports `scenario`. */
import type { Scenario } from './scenario.ts';

type Load = () => Promise<{ readonly scenario: Scenario }>;

export const SCENARIOS: Readonly<Record<string, Load>> = {
  F1: () => import('./scenarios/f1-bridge-killed.ts'),
  F2: () => import('./scenarios/f2-synapse-killed.ts'),
  F3: () => import('./scenarios/f3-federation-cut.ts'),
  F4: () => import('./scenarios/f4-bad-network.ts'),
  F5: () => import('./scenarios/f5-sync-lost.ts'),
  F6: () => import('./scenarios/f6-homeserver-restored.ts'),
  F7: () => import('./scenarios/f7-clients-flap.ts'),
  F8: () => import('./scenarios/f8-database-trouble.ts'),
  F9: () => import('./scenarios/f9-homeserver-refuses.ts'),
  F10: () => import('./scenarios/f10-overload.ts'),
  S4: () => import('./scenarios/s4-bridge-away.ts'),
  S5: () => import('./scenarios/s5-many-set-ups.ts'),
  S6: () => import('./scenarios/s6-bounded-tables.ts'),
  S7: () => import('./scenarios/s7-soak.ts'),
};
