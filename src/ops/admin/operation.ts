/**
 * What an operation of the operator is. From the one table of them (operations.ts) come the HTTP routes, the OpenAPI document, the commands of
 * the command line, and what may be typed in the admin room.
 */
import type { z } from 'zod';
import type { ErrorCode } from '../../errors.ts';
import type { AdminPorts, MakerPorts } from './ports.ts';

interface Described<P extends z.ZodObject, R extends z.ZodType> {
  /** As it is typed: `member suspend`, or one word. Stable. */
  readonly name: string;
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Below /admin/v1; `{member}` is the parameter of that name. In the order of the path these are also a command's arguments. */
  readonly path: string;
  /** One line, for `--help`. */
  readonly summary: string;
  /** More, for who programs with it. */
  readonly notes?: string;
  readonly changes: boolean;
  /** It cannot be taken back: what a person is asked first. */
  readonly asks?: string;
  /** By their names; those that the path does not have are options of the command. */
  readonly params: P;
  readonly result: R;
  /** What it may refuse with, beside `bad_request`, `database` and `wrong_admin_token`. */
  readonly errors: readonly ErrorCode[];
  /** The result for a terminal or a room: plain text. */
  text(result: z.output<R>): string;
}

export interface Operation<P extends z.ZodObject = z.ZodObject, R extends z.ZodType = z.ZodType> extends Described<P, R> {
  /** Throws a VollyError. */
  perform(ports: AdminPorts, params: z.output<P>): Promise<z.input<R>>;
  /** It can also be done on the database of a bridge that does not run. */
  readonly offline?: true;
}

/** One that needs no running bridge. */
interface OfflineOperation<P extends z.ZodObject, R extends z.ZodType> extends Described<P, R> {
  perform(ports: MakerPorts, params: z.output<P>): Promise<z.input<R>>;
}

/** Types the parameters and the result of `perform` and `text` by the two schemas. */
export const operation = <P extends z.ZodObject, R extends z.ZodType>(one: Operation<P, R>): Operation => one as Operation;

export const offlineOperation = <P extends z.ZodObject, R extends z.ZodType>(one: OfflineOperation<P, R>): Operation =>
  ({ ...one, offline: true }) as Operation;

/** Names in the path, in order. */
export const pathParams = (path: string): readonly string[] => [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string);
