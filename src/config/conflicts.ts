/** Rules that one option alone cannot break. */
import type { Path } from './document.ts';
import type { Config } from './schema.ts';

/** What a rule over two options found: either is the one to mend. */
export interface Conflict {
  readonly path: Path;
  readonly other: Path;
  /** Between the two, either way round. */
  readonly what: string;
  readonly cure: string;
}

/** `config` with absolute paths. */
export function conflictsOf(config: Config): readonly Conflict[] {
  return [...samePort(config), ...sameFile(config), ...allowedAndDenied(config), ...sameCarrier(config), ...halfOfTokens(config)];
}

const EVERY = ['0.0.0.0', '::'];

function samePort(config: Config): Conflict[] {
  const listeners = (['appservice', 'gateway', 'admin'] as const).map((name) => {
    const { host, port } = config[name].listen;
    return { path: [name, 'listen', 'port'], host: host.replace('localhost', '127.0.0.1'), port };
  });
  return pairsOf(listeners)
    .filter(([a, b]) => a.port === b.port && (a.host === b.host || [a, b].some(({ host }) => EVERY.includes(host))))
    .map(([a, b]) => ({ path: b.path, other: a.path, what: 'is the same port as', cure: 'each listener needs its own' }));
}

function sameFile({ appservice, admin, storage, keys }: Config): Conflict[] {
  const files = [
    { path: ['appservice', 'registration'], file: appservice.registration },
    { path: ['admin', 'token'], file: admin.token },
    { path: ['storage', 'path'], file: storage.path },
    { path: ['keys', 'path'], file: keys.path },
  ];
  return pairsOf(files)
    .filter(([a, b]) => a.file === b.file)
    .map(([a, b]) => ({ path: b.path, other: a.path, what: 'is the same file as', cure: 'each needs its own' }));
}

function allowedAndDenied({ policy: { allow, deny } }: Config): Conflict[] {
  return deny.flatMap((server, i) => {
    const at = allow.indexOf(server);
    if (at < 0) return [];
    return [{ path: ['policy', 'deny', i], other: ['policy', 'allow', at], what: 'is the same server as', cure: 'take out one' }];
  });
}

function sameCarrier({ carriers }: Config): Conflict[] {
  const kinds = carriers.map(({ kind }, i) => ({ path: ['carriers', i, 'kind'], kind }));
  return pairsOf(kinds)
    .filter(([a, b]) => a.kind === b.kind)
    .map(([a, b]) => ({ path: b.path, other: a.path, what: 'is the same carrier as', cure: 'take out one' }));
}

function halfOfTokens({ appservice: { as_token_file: as, hs_token_file: hs } }: Config): Conflict[] {
  if ((as === undefined) === (hs === undefined)) return [];
  const [path, other] = as === undefined ? ['hs_token_file', 'as_token_file'] : ['as_token_file', 'hs_token_file'];
  return [{ path: ['appservice', path], other: ['appservice', other], what: 'stands without', cure: 'both or neither' }];
}

const pairsOf = <T>(list: readonly T[]): [T, T][] => list.flatMap((b, i) => list.slice(0, i).map((a): [T, T] => [a, b]));
