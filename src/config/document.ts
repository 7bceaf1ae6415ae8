/** The configuration's text as YAML, and where in it a mistake stands. */
import {
  type ErrorCode,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  LineCounter,
  parseDocument,
  visit,
  type YAMLError,
} from 'yaml';

export type Path = readonly (string | number)[];

export interface Place {
  readonly path: Path;
  /** For a name that should not be there: it stands in the section at `path`. */
  readonly key?: readonly [string];
}

export interface ConfigDocument {
  readonly value: unknown;
  /** `config.yaml:4:9` of the value; with `key`, of that key; of the nearest thing around it where the file has no such value. */
  at(place: Place): string;
  has(path: Path): boolean;
}

/** What is found is cut here: a message is one line. */
const FOUND_CHARACTERS = 60;
const PARSER_CHARACTERS = 100;
/** More aliases than this in a file of forty options are an attack or an accident. */
const ALIASES = 100;
/** Control characters, and what is left of bytes that are no UTF-8. */
const NO_TEXT = /(?![\t\n\r])[\p{Cc}\ufffd]/u;

/** Where the parser's own words do not say what to do. */
const WORDS: { readonly [Code in ErrorCode]?: string } = {
  BAD_SCALAR_START: 'text that begins with this sign needs quotes',
  BLOCK_AS_IMPLICIT_KEY: 'a second colon; a section begins on the next line, and text with a colon needs quotes',
  MULTILINE_IMPLICIT_KEY: 'a line without its colon, which has a space behind it',
  MULTIPLE_DOCS: 'a second document begins; take out the line ---',
  TAB_AS_INDENT: 'a tab; indent with spaces',
};

/** The parser's words may end with what it found. */
export const notYaml = ({ code, message }: YAMLError): string =>
  `not YAML: ${WORDS[code] ?? cut(message.replaceAll(/\s+/g, ' '), PARSER_CHARACTERS)}`;

export const cut = (text: string, at = FOUND_CHARACTERS): string => (text.length > at ? `${text.slice(0, at)}…` : text);

/** An option's whole name. What can be none of ours is quoted: it may hold anything. */
export const nameOf = (path: readonly unknown[]): string =>
  path.map((step) => (/^[\w.<-]*$/.test(String(step)) ? step : cut(JSON.stringify(step)))).join('.');

export function readDocument(source: string, file: string): ConfigDocument | { readonly problems: readonly string[] } {
  const text = source.replace(/^\ufeff/, '');
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };

  const binary = text.search(NO_TEXT);
  if (binary >= 0) return { problems: [`${at(binary)}: not text; save it as UTF-8`] };
  const problems = [...document.errors, ...document.warnings].map((error) => {
    const [start] = error.pos;
    const again = error.code === 'DUPLICATE_KEY' ? secondTime(document.contents, start) : undefined;
    if (again === undefined) return `${at(start)}: ${notYaml(error)}`;
    return `${at(start)}: ${again.name} stands here again; first in line ${lines.linePos(again.first).line}`;
  });
  visit(document, {
    Alias(_, alias) {
      if (alias.resolve(document) === undefined)
        problems.push(`${at(alias.range?.[0] ?? 0)}: *${alias.source} names nothing; text with a star needs quotes`);
    },
  });
  if (problems.length > 0) return { problems };

  const { contents } = document;
  try {
    const value: unknown = document.toJS({ maxAliasCount: ALIASES });
    return { value, at: (place) => at(offsetOf(contents, place)), has: (path) => document.hasIn(path) };
  } catch {
    return { problems: [`${file}:1:1: too many aliases; allowed are at most ${ALIASES}`] };
  }
}

/** The key at `offset` by its whole name, and where it stood first. */
function secondTime(root: unknown, offset: number): { name: string; first: number } | undefined {
  let found: { name: string; first: number } | undefined;
  if (isNode(root))
    visit(root, {
      Pair(_, { key }, ancestors) {
        if (!isScalar(key) || key.range?.[0] !== offset) return undefined;
        const around = ancestors.flatMap((one) => (isPair(one) ? [String(one.key)] : []));
        const section = ancestors.at(-1);
        const first = isMap(section) ? section.items.find((item) => String(item.key) === String(key)) : undefined;
        found = { name: nameOf([...around, key.value]), first: (isNode(first?.key) ? first.key.range?.[0] : undefined) ?? 0 };
        return visit.BREAK;
      },
    });
  return found;
}

function offsetOf(root: unknown, { path, key }: Place): number {
  let node = root;
  let offset = isNode(root) ? (root.range?.[0] ?? 0) : 0;
  for (const step of [...path, ...(key ?? [])]) {
    if (!isNode(node) || isAlias(node)) break;
    const pair = isMap(node) ? node.items.find((item) => isNode(item.key) && String(item.key) === String(step)) : undefined;
    if (isMap(node) && pair === undefined) break;
    if (isNode(pair?.key)) offset = pair.key.range?.[0] ?? offset;
    node = pair === undefined ? (node as { get?: (at: unknown, keep: boolean) => unknown }).get?.(step, true) : pair.value;
    // The value is where the mistake is, unless it is itself a section or not there at all.
    if (key === undefined && isNode(node) && !isMap(node)) offset = node.range?.[0] ?? offset;
  }
  return offset;
}
