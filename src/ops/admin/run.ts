/** Performs an operation: parameters checked, and one line in the log for each that changes something. */
import { codeOf, VollyError } from '../../errors.ts';
import type { Log } from '../../routing/ports.ts';
import type { Operation } from './operation.ts';
import type { AdminPorts } from './ports.ts';

export interface RunOptions {
  readonly ports: AdminPorts;
  readonly log: Log;
}

/**
 * `params` as they came, by name; `by` is the way by which they came: `http`, `room`. The log has neither parameters nor results, since both
 * name members. Throws `bad_request` for parameters that are not as the operation wants them, and what the operation throws.
 */
export async function runOperation(
  { ports, log }: RunOptions,
  operation: Operation,
  params: unknown,
  by: string,
): Promise<unknown> {
  const audit = (result: string): void => {
    if (operation.changes) log.info('admin', { operation: operation.name, by, result });
  };
  try {
    const result = await operation.perform(ports, checked(operation, params));
    audit('ok');
    return result;
  } catch (error) {
    audit(codeOf(error) ?? 'bug');
    throw error;
  }
}

export function checked(operation: Operation, params: unknown): Record<string, unknown> {
  const found = operation.params.safeParse(params);
  if (found.success) return found.data;
  const [issue] = found.error.issues;
  const where = issue?.code === 'unrecognized_keys' ? `unknown: ${issue.keys.join(', ')}` : issue?.path.join('.');
  const wanted = operation.params.shape[String(issue?.path[0])]?.meta()?.description;
  const named = `${operation.name}: ${(where ?? 'parameters').replace(/[^\w., :-]/g, '').slice(0, 100)}`;
  throw new VollyError('bad_request', wanted === undefined ? named : `${named}; wanted: ${wanted}`);
}
