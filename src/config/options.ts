/** The schema as others read it: the sample file, and the messages about mistakes. */
import { z } from 'zod';
import { configSchema } from './schema.ts';

export interface Option {
  readonly description?: string;
  readonly allowed?: string;
  readonly example?: unknown;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Option>>;
  readonly required?: readonly string[];
  readonly items?: Option;
  readonly path?: true;
}

export const options = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }) as Option;
