/** The sample configuration, from the schema: complete, commented, and valid as it stands. */
import { stringify } from 'yaml';
import { type Option, options } from './options.ts';

const WIDTH = 110;
const HEADER = `# The Volly bridge's configuration. Copy it to config.yaml, set the two lines marked "set this", then run
#   volly-bridge config check config.yaml     names every mistake with its line
#   volly-bridge registration                 makes the tokens and the file for the homeserver
#   volly-bridge start
# Everything else is optional: what stands here holds when it is left out. Generated from src/config/schema.ts.
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
  const comment = wrap(option.description ?? '', WIDTH - indent.length - 2)
    .map((line) => `${indent}# ${line}\n`)
    .join('');
  if (option.properties === undefined) return `${comment}${indent}${name}: ${inline(option)}${required ? ' # set this' : ''}\n`;
  const body = `${indent}${name}:\n${section(option, depth + 1)}`;
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
