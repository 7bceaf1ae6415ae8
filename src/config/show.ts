/** The configuration that holds, as YAML: with its defaults, and with the variables that have overridden the file. */
import { Document, isMap, isScalar } from 'yaml';
import type { Override } from './environment.ts';
import type { Config } from './schema.ts';

/** There is no secret in a configuration: these are in files of their own. */
export function shownConfig(config: Config, overrides: readonly Override[]): string {
  const document = new Document(config);
  for (const { name, path } of overrides) {
    const section = document.getIn(path.slice(0, -1), true);
    const pair = isMap(section) ? section.items.find(({ key }) => isScalar(key) && key.value === path.at(-1)) : undefined;
    if (isScalar(pair?.key)) pair.key.commentBefore = ` from ${name}`;
  }
  return document.toString({ lineWidth: 0 });
}
