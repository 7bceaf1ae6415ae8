/** With whom messages are exchanged, from the configuration. */
import type { Config } from '../config/schema.ts';
import type { PolicyOptions } from '../routing/policy.ts';

/** In the configuration no `allow` and an empty one are the same: everybody. */
export const policyOf = ({ policy: { allow, deny } }: Pick<Config, 'policy'>): PolicyOptions => ({
  deny,
  ...(allow.length > 0 ? { allow } : {}),
});
