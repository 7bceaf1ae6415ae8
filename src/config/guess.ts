/** What the operator may have meant by a value that is not allowed: only what is allowed is ever guessed. */
import { nearest } from './nearest.ts';

const WORDS: Readonly<Record<string, boolean>> = { yes: true, on: true, true: true, no: false, off: false, false: false };

/** The first plausible value that `fits`. `names` are the allowed words of an option that has such. */
export function guess(found: unknown, names: readonly string[], fits: (value: unknown) => boolean): unknown {
  for (const one of candidates(found, names)) if (one !== undefined && one !== found && fits(one)) return one;
  return undefined;
}

function* candidates(found: unknown, names: readonly string[]): Generator<unknown> {
  if (Array.isArray(found)) {
    if (found.length === 1) yield found[0];
  } else if (typeof found === 'number') {
    yield String(found);
    if (found === 0 || found === 1) yield found === 1;
  } else if (typeof found === 'string') {
    yield* ofText(found.trim(), names);
    yield found.split(/[,\s]+/).filter((part) => part !== '');
  } else if (typeof found === 'boolean') yield String(found);
}

function* ofText(text: string, names: readonly string[]): Generator<unknown> {
  yield text;
  if (/^\d+$/.test(text.replaceAll(/[_,.' ]/g, ''))) yield Number(text.replaceAll(/[_,' ]/g, ''));
  yield WORDS[text.toLowerCase()];
  yield text.toLowerCase();
  yield nearest(text, names) ?? names.find((name) => text.toLowerCase().startsWith(name));
  yield* ofAddress(text.toLowerCase());
}

/** Addresses, server names and user ids, each written for another. */
function* ofAddress(text: string): Generator<string> {
  const [, scheme = '', host = '', path = ''] = /^(?:([a-z]+):?\/+)?(?:[^/@]*@)?([^/?#]*)([^?#]*)/.exec(text) ?? [];
  const secure = { ws: 'wss', http: 'https' }[scheme] ?? scheme;
  const local = /^(localhost|127\.|\[::1\])/.test(host) ? ['ws', 'http'] : [];
  for (const one of [scheme, secure, ...local, 'wss', 'https'])
    if (one !== '') yield* [`${one}://${host}${path}`, `${one}://${host}`];
  if (!/^\/\d+$/.test(path)) yield* [host, host.slice(host.indexOf(':') + 1), host.replace(/:\d+$/, '')];
  yield* [`@${text}`, `@${text.replace('@', ':')}`, text.replace(/^\*/, '*.')];
}
