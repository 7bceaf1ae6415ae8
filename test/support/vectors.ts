/** Finds the shared test vectors: `VOLLY_VECTORS`, or `shared/vectors` beside the repository. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const VECTORS = process.env['VOLLY_VECTORS'] ?? fileURLToPath(new URL('../../../shared/vectors', import.meta.url));

/** Skips the running test or suite with a printed reason, but only where the whole folder is absent: a lost file must fail. */
export function needVectors(context: Mocha.Context): void {
  if (existsSync(VECTORS)) return;
  console.log(`      skipped: no test vectors at ${VECTORS} (set VOLLY_VECTORS)`);
  context.skip();
}

export const readVectors = <T>(name: string): T => JSON.parse(readFileSync(join(VECTORS, name), 'utf8')) as T;

export interface WycheproofGroup<Test> {
  readonly type: string;
  readonly publicKey?: string | { readonly pk: string };
  readonly privateSeed?: string;
  readonly tests: readonly (Test & {
    readonly tcId: number;
    readonly result: 'valid' | 'invalid' | 'acceptable';
    readonly flags: string[];
  })[];
}

export function readWycheproof<Test>(name: string): { groups: readonly WycheproofGroup<Test>[]; count: number } {
  const file = readVectors<{ numberOfTests: number; testGroups: WycheproofGroup<Test>[] }>(`wycheproof/${name}_test.json`);
  return { groups: file.testGroups, count: file.numberOfTests };
}

export function hex(text: string): Uint8Array<ArrayBuffer> {
  if (!/^(?:[0-9a-f]{2})*$/i.test(text)) throw new TypeError('not hexadecimal');
  return Uint8Array.from(text.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}

export const base64 = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(Buffer.from(text, 'base64'));
