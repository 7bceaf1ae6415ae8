/** The admin API as an OpenAPI 3.1 document, from the table of operations. Its schemas are those that requests are checked with. */
import { z } from 'zod';
import { ERRORS, type ErrorCode } from '../../errors.ts';
import { statusOf } from './failure.ts';
import { type Operation, pathParams } from './operation.ts';
import { GROUPS, OPERATIONS } from './operations.ts';
import { BASE } from './routes.ts';

/** Of every operation, whatever it does. */
const EVERYWHERE: readonly ErrorCode[] = [
  'bad_request',
  'wrong_admin_token',
  'rate_limited',
  'too_large',
  'database',
  'internal',
];

type Json = Readonly<Record<string, unknown>>;

/** Of the API, which follows semver by itself: a field more is a minor one. */
const VERSION = '1.0.0';

export const openApi = (): string => `${JSON.stringify(document(), null, 2)}\n`;

const document = (): Json => ({
  openapi: '3.1.0',
  info: {
    title: 'Volly bridge: admin API',
    version: VERSION,
    summary: 'What the operator of a community can do with its running bridge.',
    description:
      'It listens at `admin.listen` and wants the token in the file that `admin.token` names. All of it is also a command: `volly-bridge member list --json` prints what `GET /admin/v1/members` answers. Generated from src/ops/admin/operations.ts.',
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  },
  servers: [{ url: `http://127.0.0.1:29332${BASE}`, description: 'The default of admin.listen.' }],
  security: [{ token: [] }],
  tags: [{ name: 'bridge', description: 'the bridge as a whole' }, ...groups()],
  paths: paths(),
  components: {
    securitySchemes: {
      token: { type: 'http', scheme: 'bearer', description: 'The one line of the file that admin.token names.' },
    },
    responses: allRefusals(),
    schemas: { Error: errorSchema },
  },
});

const groups = (): readonly Json[] => Object.entries(GROUPS).map(([name, description]) => ({ name, description }));

function paths(): Json {
  const all = [...new Set(OPERATIONS.map(({ path }) => path))];
  const here = (path: string) => OPERATIONS.filter((one) => one.path === path);
  return Object.fromEntries(
    all.map((path) => [path, Object.fromEntries(here(path).map((one) => [one.method.toLowerCase(), described(one)]))]),
  );
}

function described(operation: Operation): Json {
  const { name, summary, notes, method } = operation;
  const [group = '', word] = name.split(' ');
  const body = method === 'POST' ? bodyOf(operation) : undefined;
  const parameters = parametersOf(operation);
  return {
    operationId: name.replaceAll(' ', '_'),
    tags: [word === undefined ? 'bridge' : group],
    summary,
    ...(notes === undefined ? {} : { description: notes }),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(body === undefined ? {} : { requestBody: body }),
    responses: { 200: ok(operation), ...refusals(operation) },
  };
}

function parametersOf({ method, path, params }: Operation): readonly Json[] {
  const inPath = pathParams(path);
  const names = Object.keys(params.shape).filter((name) => inPath.includes(name) || method !== 'POST');
  return names.map((name) => {
    const { description, ...schema } = schemaOf(params.shape[name] as z.ZodType, 'input') as { description?: string };
    const place = inPath.includes(name) ? { in: 'path', required: true } : { in: 'query', required: false };
    return { name, ...place, ...(description === undefined ? {} : { description }), schema };
  });
}

/** Undefined where all that it wants stands in its path. */
function bodyOf({ path, params }: Operation): Json | undefined {
  const inPath = pathParams(path);
  const rest = Object.entries(params.shape).filter(([name]) => !inPath.includes(name));
  if (rest.length === 0) return undefined;
  const schema = schemaOf(z.strictObject(Object.fromEntries(rest)), 'input');
  return { required: true, content: { 'application/json': { schema } } };
}

const ok = ({ result }: Operation): Json => ({
  description: 'Done.',
  content: { 'application/json': { schema: schemaOf(result, 'output') } },
});

/** HTTP status → the codes that an operation may have with it. */
function codesOf({ errors }: Pick<Operation, 'errors'>): ReadonlyMap<number, readonly ErrorCode[]> {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of new Set([...EVERYWHERE, ...errors])) {
    const codes = byStatus.get(statusOf(code)) ?? [];
    byStatus.set(statusOf(code), [...codes, code]);
  }
  return byStatus;
}

const nameOf = (codes: readonly ErrorCode[]): string => codes.join('.');

const refusals = (operation: Operation): Json =>
  Object.fromEntries(
    [...codesOf(operation)].map(([status, codes]) => [status, { $ref: `#/components/responses/${nameOf(codes)}` }]),
  );

/** Most operations share theirs. */
function allRefusals(): Json {
  const content = { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } };
  const all = OPERATIONS.flatMap((operation) => [...codesOf(operation).values()]);
  return Object.fromEntries(
    all.map((codes) => [
      nameOf(codes),
      { description: codes.map((code) => `\`${code}\`: ${ERRORS[code].cause}`).join('\n\n'), content },
    ]),
  );
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
}

const errorSchema: Json = {
  type: 'object',
  required: ['error'],
  additionalProperties: false,
  properties: {
    error: {
      type: 'object',
      required: ['code', 'cause', 'cure'],
      additionalProperties: false,
      properties: {
        code: { type: 'string', description: 'A code of docs/ERRORS.md: stable, and never reused.' },
        cause: { type: 'string', description: 'What went wrong.' },
        cure: { type: 'string', description: 'What to do about it.' },
        detail: { type: 'string', description: 'Which part.' },
      },
    },
  },
};
