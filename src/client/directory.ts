/** Other members' devices, and the user told where a member is not who it was. PROTOCOL.md sections 5.4 and 6. */
import type { MemberId } from '../ids.ts';
import { KeyQueries } from '../party/key-queries.ts';
import { checkBundle } from '../protocol/bundle.ts';
import type { Context } from './context.ts';

export class Directory extends KeyQueries {
  /** `onChanged`: a member shows another identity than the pinned one, and proves to hold it. */
  constructor(context: Context, onChanged: (member: MemberId) => void) {
    const { contacts } = context;
    super(context, {
      known: (member) => contacts.known(member),
      learn: (member, identity, seen) => contacts.learn(member, identity, seen),
      unsent: 'not_connected',
      onIdentityChanged: (bundle, check) => {
        try {
          // What the user is asked to accept must at least be sound in itself.
          const { identity } = checkBundle(context.provider, bundle, { ...check, known: {} });
          contacts.noteChanged(check.member, identity.rootHash);
          onChanged(check.member);
        } catch (error) {
          context.refused(error, 'app.volly.keys.bundle');
        }
      },
    });
  }
}
