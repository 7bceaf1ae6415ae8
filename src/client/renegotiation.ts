/** What only the SDK asks of a call's runner: whether a description went out, and how often the keys were made anew. */
import { codeOf } from '../errors.ts';
import type { Runner } from '../party/runner.ts';
import type { Content } from '../party/seal.ts';

/** False where the state does not allow it now; throws what sealing it throws. */
export async function negotiate(runner: Runner, description: 'offer' | 'answer', content: Content): Promise<boolean> {
  try {
    await runner.dispatch({ kind: 'negotiate', description }, content);
    return true;
  } catch (error) {
    if (codeOf(error) === 'forbidden_in_state') return false;
    throw error;
  }
}

/** The selected leg's key epoch; 0 before there is one. */
export function epochOf(runner: Runner): number {
  const { legs, peer } = runner.state;
  const leg = legs.find((one) => one.device === peer);
  return (leg && runner.link(leg.device, leg.callId)?.epoch) ?? 0;
}
