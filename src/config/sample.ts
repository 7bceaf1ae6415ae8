/** The sample configuration, from the schema: complete, commented, and valid as it stands. */
import { stringify } from 'yaml';
import { type Option, options } from './options.ts';

const WIDTH = 110;
const HEADER = `# yaml-language-server: $schema=./docs/config.schema.json
# The Volly bridge's configuration. Copy it to config.yaml, set the two lines marked "set this", then run
#   volly-bridge config check     names every mistake with its line
#   volly-bridge registration     makes the tokens and the file for the homeserver
#   volly-bridge start
# Everything else is optional: what stands here holds when it is left out. The environment wins over this file:
# VOLLY_GATEWAY__LISTEN__PORT=443 is gateway.listen.port. A running bridge takes over on SIGHUP what is marked
# (reloads); all else waits for the next start. Generated from src/config/sections/.
`;

export const sampleConfig = (): string => HEADER + section(options, 0);

function section(parent: Option, depth: number): string {
  const lines = Object.entries(parent.properties ?? {}).map(([name, option]) => {
    const text = entry(name, option, depth, parent.required?.includes(name) === true);
    return depth === 0 ? `\n${text}` : text;
  });
  return lines.join('');
}

function entry(name: string, option: Option, depth: number, required: boolean): string {
  const indent = '  '.repeat(depth);
  const description = `${option.description ?? ''}${option.reloads ? ' (reloads)' : ''}`;
  const comment = wrap(description, WIDTH - indent.length - 2)
    .map((line) => `${indent}# ${line}\n`)
    .join('');
  const body =
    option.properties === undefined
      ? `${indent}${name}: ${inline(option)}${required ? ' # set this' : ''}\n`
      : `${indent}${name}:\n${section(option, depth + 1)}`;
  const isOptional = !required && option.default === undefined;
  return comment + (isOptional ? commentedOut(body, indent) : body);
}

/** The first example or default, written on the line of its name. */
const inline = (option: Option): string => stringify(option.default ?? option.example, { collectionStyle: 'flow' }).trim();

const commentedOut = (text: string, indent: string): string =>
  text
    .replaceAll(new RegExp(`^${indent}(?=.)`, 'gm'), `${indent}# `)
    .replaceAll('# # ', '#   # ')
    .replaceAll(' # set this', '');

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
