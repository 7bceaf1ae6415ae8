import { z } from 'zod';
import { LIMITS } from '../../limits.ts';
import { about, section } from '../fields.ts';

const carrier = about(
  section('One way and how long an attempt of it may last.', {
    kind: about(z.enum(['to_device']), {
      description: 'to_device: Matrix to-device messages by the homeserver. There is no other yet.',
      allowed: 'to_device',
    }),
    timeout_ms: about(z.int().min(1_000).max(LIMITS.messageLifeMs).default(LIMITS.carrierMs), {
      description: 'An attempt that has not come to an end by then has failed, and the next way is tried.',
      allowed: `a whole number from 1000 to ${LIMITS.messageLifeMs}`,
    }),
  }),
  { description: 'One way.', allowed: 'a section with kind, timeout_ms' },
);

export const carriers = about(
  z
    .array(carrier)
    .min(1)
    .default([{ kind: 'to_device', timeout_ms: LIMITS.carrierMs }]),
  {
    description: 'The ways to other communities, in the order in which they are tried, each with the time an attempt is given.',
    allowed: 'a list of sections with kind, timeout_ms',
  },
);
