/**
 * The only truth about the configuration: what there is, what is allowed, what holds when nothing is said, and why. The sample file, the
 * checks and their messages all come from here. Each section has its own file under sections/.
 */
import type { z } from 'zod';
import { section } from './fields.ts';
import { admin } from './sections/admin.ts';
import { appservice } from './sections/appservice.ts';
import { carriers } from './sections/carriers.ts';
import { gateway } from './sections/gateway.ts';
import { homeserver } from './sections/homeserver.ts';
import { keys } from './sections/keys.ts';
import { logging } from './sections/logging.ts';
import { policy } from './sections/policy.ts';
import { storage } from './sections/storage.ts';

/** In the order of the sample file. A section that has no option without a default may be left out. */
export const configSchema = section('The Volly bridge.', {
  homeserver,
  appservice: appservice.prefault({}),
  gateway,
  admin: admin.prefault({}),
  storage: storage.prefault({}),
  keys: keys.prefault({}),
  policy: policy.prefault({}),
  carriers,
  logging: logging.prefault({}),
});

export type Config = z.infer<typeof configSchema>;
