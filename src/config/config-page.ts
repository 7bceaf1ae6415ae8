/** docs/CONFIG.md: every option in a table, with its variable and whether it reloads. */
import { stringify } from 'yaml';
import { type Option, options, variableOf } from './options.ts';

const cell = (text: string): string => text.replaceAll('|', '\\|');

export function configPage(): string {
  const all = Object.entries(options.properties ?? {});
  const tables = all.map(
    ([name, option]) => `\n## ${name}\n${option.description}\n\n${HEAD}\n${rows(option, [name]).join('\n')}`,
  );
  return `# Configuration

Every option. \`config.sample.yaml\` has them as a file, \`config.schema.json\` tells them to editors; generated with both from
\`src/config/sections/\`. How files, environment and reloading work: OPERATIONS.md.

- *Variable*: sets the option and wins over the file. Its value is written as in the file: \`VOLLY_POLICY__DENY='[iris.example]'\`.
- *Reloads*: whether a running bridge takes a new value over on SIGHUP. Everything else waits for the next start.
${tables.join('\n')}
`;
}

const HEAD = '| option | default | allowed | reloads | variable | for |\n|---|---|---|---|---|---|';

function rows(option: Option, path: readonly string[]): readonly string[] {
  if (option.properties !== undefined)
    return Object.entries(option.properties).flatMap(([name, child]) => rows(child, [...path, name]));
  // Options of a list's sections have no variable of their own.
  const inner = Object.entries(option.items?.properties ?? {}).map(([name, child]) =>
    row(`${path.join('.')}[].${name}`, '', child),
  );
  return [row(path.join('.'), `\`${variableOf(path)}\``, option), ...inner];
}

function row(name: string, variable: string, option: Option): string {
  const { allowed = '', description = '', reloads = false } = option;
  const usual = option.default === undefined ? 'none' : `\`${stringify(option.default, FLOW).trim()}\``;
  return `| \`${name}\` | ${usual} | ${cell(allowed)} | ${reloads ? 'yes' : 'no'} | ${variable} | ${cell(description)} |`;
}

const FLOW = { collectionStyle: 'flow', flowCollectionPadding: false } as const;
