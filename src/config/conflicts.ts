/** Rules that one option alone cannot break. */
import type { Config } from './schema.ts';

/** What a rule over several options found: which one to mend and why. */
export interface Conflict {
  readonly path: readonly (string | number)[];
  readonly why: string;
}

export function conflictsOf(config: Config): readonly Conflict[] {
  const out: Conflict[] = [];
  const { gateway, appservice, policy, carriers } = config;
  if (gateway.listen.port === appservice.listen.port && gateway.listen.host === appservice.listen.host)
    out.push({ path: ['gateway', 'listen', 'port'], why: 'is the port of appservice.listen too; they need two' });
  policy.deny.forEach((server, i) => {
    if (policy.allow.includes(server)) out.push({ path: ['policy', 'deny', i], why: 'is in policy.allow too' });
  });
  carriers.forEach(({ kind }, i) => {
    if (carriers.findIndex((one) => one.kind === kind) < i)
      out.push({ path: ['carriers', i, 'kind'], why: 'stands there already' });
  });
  return out;
}
