/** Rules that one option alone cannot break. */
import type { Config } from './schema.ts';

/** What a rule over several options found: which one to mend and why. */
export interface Conflict {
  readonly path: readonly (string | number)[];
  readonly why: string;
}

export function conflictsOf(config: Config): readonly Conflict[] {
  const out: Conflict[] = [];
  const { policy, carriers } = config;
  const listeners = (['appservice', 'gateway', 'admin'] as const).map((name) => ({ name, ...config[name].listen }));
  listeners.forEach((one, i) => {
    const other = listeners.slice(0, i).find((before) => before.port === one.port && before.host === one.host);
    if (other !== undefined)
      out.push({ path: [one.name, 'listen', 'port'], why: `is the port of ${other.name}.listen too; they need two` });
  });
  policy.deny.forEach((server, i) => {
    if (policy.allow.includes(server)) out.push({ path: ['policy', 'deny', i], why: 'is in policy.allow too' });
  });
  carriers.forEach(({ kind }, i) => {
    if (carriers.findIndex((one) => one.kind === kind) < i)
      out.push({ path: ['carriers', i, 'kind'], why: 'stands there already' });
  });
  return out;
}
