/** The scenarios of the fault tests, in the order they run. A scenario's file exports `scenario`. */
import type { Scenario } from './scenario.ts';

type Load = () => Promise<{ readonly scenario: Scenario }>;

export const SCENARIOS: Readonly<Record<string, Load>> = {
  F1: () => import('./scenarios/f1-bridge-killed.ts'),
  F5: () => import('./scenarios/f5-sync-lost.ts'),
};
