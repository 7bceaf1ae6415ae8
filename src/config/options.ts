/** The schema as others read it: the sample file, and the messages about mistakes. */
import { z } from 'zod';
import { configSchema } from './schema.ts';

export interface Option {
  readonly type?: string;
  readonly description?: string;
  readonly allowed?: string;
  readonly example?: unknown;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Option>>;
  readonly required?: readonly string[];
  readonly items?: Option;
  readonly enum?: readonly string[];
  readonly path?: true;
  readonly reloads?: true;
}

export const options = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }) as Option;

/** The environment variable that has an option's or a section's value. */
export const variableOf = (path: readonly string[]): string => `VOLLY_${path.join('__').toUpperCase()}`;
