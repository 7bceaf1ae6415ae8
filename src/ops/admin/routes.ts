/** From a request's line to an operation and the parameters in its path. */
import { VollyError } from '../../errors.ts';
import type { Operation } from './operation.ts';

export const BASE = '/admin/v1';
/** The longest names, encoded, three times over. */
const LONGEST_TARGET = 2_048;

export interface Route {
  readonly operation: Operation;
  readonly path: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
}

/** Of other methods that this path has. */
export class WrongMethod extends VollyError {
  readonly allow: string;

  constructor(allow: readonly string[]) {
    super('bad_request', `the path has ${allow.join(' and ')} only`);
    this.allow = allow.join(', ');
  }
}

/**
 * `target` as it stands in the request: nothing of it is normalized, so that no second spelling leads anywhere. Throws `bad_request`, and
 * `not_found` for a path that is nobody's.
 */
export function routeOf(operations: readonly Operation[], method: string, target: string): Route {
  if (target.length > LONGEST_TARGET) throw new VollyError('bad_request', 'target too long');
  const at = target.indexOf('?');
  const [path, query] = at < 0 ? [target, ''] : [target.slice(0, at), target.slice(at + 1)];
  if (!path.startsWith(`${BASE}/`)) throw new VollyError('not_found', 'path');
  const segments = path.slice(BASE.length + 1).split('/');
  const here = operations.filter((operation) => fits(operation.path.slice(1).split('/'), segments));
  const operation = here.find((one) => one.method === method);
  if (here.length === 0) throw new VollyError('not_found', 'path');
  if (!operation) throw new WrongMethod([...new Set(here.map((one) => one.method))]);
  return { operation, path: paramsIn(operation.path, segments), query: new URLSearchParams(query) };
}

const isParam = (part: string): boolean => part.startsWith('{');

const fits = (template: readonly string[], segments: readonly string[]): boolean =>
  template.length === segments.length && template.every((part, i) => (isParam(part) ? segments[i] !== '' : part === segments[i]));

function paramsIn(path: string, segments: readonly string[]): Record<string, string> {
  const out: Record<string, string> = {};
  path
    .slice(1)
    .split('/')
    .forEach((part, i) => {
      if (isParam(part)) out[part.slice(1, -1)] = decoded(segments[i]!);
    });
  return out;
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch (cause) {
    throw new VollyError('bad_request', 'path encoding', { cause });
  }
}
