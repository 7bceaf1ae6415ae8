/** The parameters of a request: from its path, and from its query or its JSON body. */
import type { IncomingMessage } from 'node:http';
import { VollyError } from '../../errors.ts';
import { LIMITS } from '../../limits.ts';
import type { Route } from './routes.ts';

/** Throws `bad_request`, `too_large`. */
export async function paramsOf(request: IncomingMessage, { operation, path, query }: Route): Promise<Record<string, unknown>> {
  const isPost = operation.method === 'POST';
  if (isPost && query.size > 0) throw new VollyError('bad_request', 'parameters of a POST stand in its body');
  const body = await readBody(request);
  if (!isPost && body !== '') throw new VollyError('bad_request', 'only a POST has a body');
  const given = isPost ? parsedBody(request, body) : Object.fromEntries(once(query));
  for (const name of Object.keys(path))
    if (Object.hasOwn(given, name)) throw new VollyError('bad_request', `${name} stands in the path`);
  return { ...given, ...path };
}

/** A name that stands there twice has two meanings. */
function once(query: URLSearchParams): [string, string][] {
  const entries = [...query];
  if (new Set(entries.map(([name]) => name)).size < entries.length) throw new VollyError('bad_request', 'a parameter twice');
  return entries;
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > LIMITS.adminBodyBytes) throw new VollyError('too_large', 'body');
      chunks.push(chunk);
    }
  } catch (error) {
    throw error instanceof VollyError ? error : new VollyError('bad_request', 'body broke off', { cause: error });
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** No body is an empty object: most operations have all that they want in their path. */
function parsedBody(request: IncomingMessage, body: string): Record<string, unknown> {
  if (body === '') return {};
  const type = (request.headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase();
  if (type !== 'application/json') throw new VollyError('bad_request', 'content-type is not application/json');
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (cause) {
    throw new VollyError('bad_request', 'body is not JSON', { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new VollyError('bad_request', 'body is no object');
  return value as Record<string, unknown>;
}
