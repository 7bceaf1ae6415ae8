/** Asks for the status where a bridge may or may not run, as the doctor does. */
import { codeOf, VollyError } from '../errors.ts';
import { type AdminAt, askBridge } from './admin/client.ts';
import { status } from './admin/operations/status.ts';
import type { Status } from './status.ts';

/** Throws `not_running` where none of this configuration answers, `database` where the bridge's own fails, `bad_config` for a token that is none. */
export async function askStatus(at: AdminAt): Promise<Status> {
  try {
    return (await askBridge(at, status, {})) as Status;
  } catch (error) {
    const code = codeOf(error);
    if (code === 'database' || code === 'not_running' || code === 'bad_config') throw error;
    const why = code === 'wrong_admin_token' ? 'a bridge with another token answers' : (error as Error).message;
    throw new VollyError('not_running', why, { cause: error });
  }
}
