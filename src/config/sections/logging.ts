import { z } from 'zod';
import { about, section } from '../fields.ts';

export const logging = section('What is written to standard output.', {
  level: about(z.enum(['error', 'warn', 'info', 'debug']).default('info'), {
    description:
      'No level logs what members say, to whom, or any key or token. `debug` has a line for each step of each envelope.',
    allowed: 'error, warn, info or debug',
    reloads: true,
  }),
});
