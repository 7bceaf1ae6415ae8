/** Holds the house: which room may import which, no cycles, files that one sitting reads. docs/ARCHITECTURE.md explains the table. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const src = new URL('../src/', import.meta.url).pathname;
const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .sort();

interface Import {
  readonly from: string;
  /** A file under src/, or a package's name. */
  readonly to: string;
}

function importsOf(file: string): Import[] {
  // A package's types are erased and reach no browser; types of our own files still tie rooms together and count.
  const text = readFileSync(join(src, file), 'utf8').replace(
    /\/\*[\s\S]*?\*\/|^\s*\/\/.*$|^import type [^;]*from '[^.][^']*';/gm,
    '',
  );
  const found = [...text.matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*)'([^']+)'/g)].map((match) => match[1] as string);
  return found.map((to) => ({ from: file, to: to.startsWith('.') ? relative(src, join(src, dirname(file), to)) : to }));
}

const imports = files.flatMap(importsOf);
const inside = imports.filter(({ to }) => to.endsWith('.ts'));
const packages = imports.filter(({ to }) => !to.endsWith('.ts'));

const LEAVES = ['ids.ts', 'errors.ts', 'limits.ts', 'bytes.ts', 'clock.ts'];
/** What a bridge never reaches: the files that seal and open what members say to each other. */
const SEALING = [
  ...['offer', 'answer', 'session', 'opening', 'presence', 'body', 'select'].map((name) => `protocol/${name}`),
  'party/',
];

/** Longest prefix wins. `leaves` stands for the leaf files; an entry ending in `/` is a whole room, another one file. */
const MAY: Readonly<Record<string, readonly string[]>> = {
  'main.ts': ['commands/', 'config/', 'leaves'],
  'commands/': ['leaves', 'commands/', 'compose/', 'config/', 'ops/'],
  'compose/': ['*'],
  'crypto/': ['leaves', 'crypto/'],
  'protocol/': ['leaves', 'crypto/', 'protocol/'],
  'party/': ['leaves', 'crypto/', 'protocol/', 'party/'],
  'client/': ['leaves', 'crypto/', 'protocol/', 'party/', 'client/'],
  'routing/': ['leaves', 'protocol/envelope.ts', 'storage/types.ts', 'routing/'],
  'matrix/': ['leaves', 'protocol/envelope.ts', 'routing/ports.ts', 'storage/types.ts', 'matrix/'],
  'gateway/': ['leaves', 'protocol/', 'crypto/', 'routing/ports.ts', 'storage/types.ts', 'gateway/'],
  'gateway/legacy/': ['leaves', 'protocol/', 'crypto/', 'party/', 'routing/ports.ts', 'storage/types.ts', 'gateway/legacy/'],
  'storage/': ['leaves', 'protocol/envelope.ts', 'storage/'],
  'config/': ['leaves', 'config/'],
  'ops/': ['leaves', 'ops/', 'config/', 'routing/ports.ts', 'storage/types.ts'],
};

function roomOf(file: string): string {
  const rooms = Object.keys(MAY).filter((room) => (room.endsWith('/') ? file.startsWith(room) : file === room));
  return rooms.sort((a, b) => b.length - a.length)[0] ?? (LEAVES.includes(file) ? 'leaves' : '');
}

function allowed({ from, to }: Import): boolean {
  const room = roomOf(from);
  if (room === 'leaves') return LEAVES.includes(to);
  return (MAY[room] ?? []).some(
    (rule) => rule === '*' || (rule === 'leaves' ? LEAVES.includes(to) : rule.endsWith('/') ? to.startsWith(rule) : to === rule),
  );
}

function reach(start: string): Map<string, string[]> {
  const seen = new Map<string, string[]>([[start, [start]]]);
  for (const [file, path] of seen)
    for (const { to } of inside.filter(({ from }) => from === file)) if (!seen.has(to)) seen.set(to, [...path, to]);
  return seen;
}

const show = (list: readonly Import[]) => list.map(({ from, to }) => `${from} → ${to}`);

describe('architecture', () => {
  it('gives every file a room', () => {
    assert.deepEqual(
      files.filter((file) => roomOf(file) === ''),
      [],
    );
  });

  it('keeps the import table', () => {
    assert.deepEqual(show(inside.filter((one) => !allowed(one))), []);
  });

  it('keeps the legacy adapter to compose/', () => {
    assert.deepEqual(
      show(
        inside.filter(
          ({ from, to }) =>
            to.startsWith('gateway/legacy/') && !from.startsWith('gateway/legacy/') && !from.startsWith('compose/'),
        ),
      ),
      [],
    );
  });

  it('lets no room of the bridge reach what seals and opens, even transitively', () => {
    const bridge = files.filter(
      (file) => /^(routing|matrix|gateway|storage|config|ops)\//.test(file) && !file.startsWith('gateway/legacy/'),
    );
    const reached = bridge.flatMap((file) =>
      [...reach(file)].filter(([to]) => SEALING.some((name) => to.startsWith(name))).map(([, path]) => path.join(' → ')),
    );
    assert.deepEqual(reached, []);
    // A file that was renamed would no longer be looked for.
    assert.deepEqual(
      SEALING.filter((name) => !files.some((file) => file.startsWith(name))),
      [],
    );
  });

  it('has no import cycle', () => {
    const cycles = inside.filter(({ from, to }) => reach(to).has(from));
    assert.deepEqual(show(cycles), []);
  });

  it('keeps Node out of what runs in a browser', () => {
    const browser = packages.filter(
      ({ from, to }) => /^(crypto|protocol|party|client)\//.test(from) && from !== 'client/node.ts' && to.startsWith('node:'),
    );
    assert.deepEqual(show(browser), []);
  });

  it('touches the Matrix libraries in one file', () => {
    const touching = new Set(packages.filter(({ to }) => /^matrix-/.test(to)).map(({ from }) => from));
    assert.ok(touching.size <= 1, [...touching].join(', '));
  });

  it('has no barrel file', () => {
    assert.deepEqual(
      files.filter((file) => /(^|\/)index\.ts$/.test(file) || /^export \* from/m.test(readFileSync(join(src, file), 'utf8'))),
      [],
    );
  });

  it('has files that one sitting reads: median at most 150 lines, none past 400', () => {
    const lengths = files
      .map((file) => ({ file, lines: readFileSync(join(src, file), 'utf8').split('\n').length - 1 }))
      .sort((a, b) => a.lines - b.lines);
    const median = lengths[Math.floor(lengths.length / 2)]!.lines;
    assert.ok(median <= 150, `median ${median}`);
    assert.deepEqual(
      lengths.filter(({ lines }) => lines > 400),
      [],
    );
  });
});
