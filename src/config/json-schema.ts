/** The schema for editors: docs/config.schema.json, which a line in the configuration file names. */
import { z } from 'zod';
import { configSchema } from './schema.ts';

/** What of our own stands beside JSON Schema's words. */
interface Ours {
  allowed?: string;
  example?: unknown;
  path?: true;
  reloads?: true;
}

/** As JSON, with a line's end. Says all that a single option shows; rules over two options are `config check`'s alone. */
export function configJsonSchema(): string {
  const { $schema, ...schema } = z.toJSONSchema(configSchema, {
    io: 'input',
    target: 'draft-07', // what editors read
    unrepresentable: 'any',
    override({ jsonSchema }) {
      const { allowed, example } = jsonSchema as Ours;
      for (const name of ['allowed', 'example', 'path', 'reloads'] as const) delete (jsonSchema as Ours)[name];
      if (allowed !== undefined) jsonSchema.description = `${jsonSchema.description ?? ''} Allowed: ${allowed}.`.trim();
      if (example !== undefined) jsonSchema.examples = [example];
    },
  });
  return `${JSON.stringify({ $schema, title: 'Configuration of the Volly bridge', ...schema }, null, 2)}\n`;
}
