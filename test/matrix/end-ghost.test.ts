import assert from 'node:assert/strict';
import type { HomeserverClient, Request } from '../../src/matrix/client.ts';
import { endGhost } from '../../src/matrix/end-ghost.ts';
import { HomeserverError } from '../../src/matrix/failure.ts';

const GHOST = '@_volly_alice:orchid.example';
const DEACTIVATE = 'POST /_matrix/client/v3/account/deactivate';
const PROFILE = 'GET /_matrix/client/v3/profile/%40_volly_alice%3Aorchid.example';
const NAME = 'PUT /_matrix/client/v3/profile/%40_volly_alice%3Aorchid.example/displayname';

describe('the end of a ghost', () => {
  let asked: Request[];
  /** Of a request, by its method and path; 200 where nothing is said. */
  const homeserver = (answers: Readonly<Record<string, HomeserverError>>): HomeserverClient => {
    asked = [];
    const request = async (one: Request): Promise<string> => {
      asked.push(one);
      const failure = answers[`${one.method} ${one.path}`];
      if (failure) throw failure;
      return '{}';
    };
    return { request } as unknown as HomeserverClient;
  };
  const refused = (status: number) => new HomeserverError('homeserver_refused', `answered ${status}`, { status });
  const paths = () => asked.map(({ method, path }) => `${method} ${path}`);

  it('is asked for once, as the ghost itself, with all that is erased', async () => {
    assert.equal(await endGhost(homeserver({}), GHOST), 'gone');
    assert.deepEqual(paths(), [DEACTIVATE]);
    assert.deepEqual([asked[0]?.query, JSON.parse(asked[0]!.body!).erase], [{ user_id: GHOST }, true]);
  });

  it('is there already where there never was one', async () => {
    assert.equal(await endGhost(homeserver({ [DEACTIVATE]: refused(403), [PROFILE]: refused(404) }), GHOST), 'gone');
    assert.deepEqual(paths(), [DEACTIVATE, PROFILE]);
  });

  it('is the end of its name where the homeserver does not deactivate', async () => {
    assert.equal(await endGhost(homeserver({ [DEACTIVATE]: refused(401) }), GHOST), 'nameless');
    assert.deepEqual(paths(), [DEACTIVATE, PROFILE, NAME]);
    assert.deepEqual(JSON.parse(asked[2]!.body!), { displayname: '' });
    await assert.rejects(endGhost(homeserver({ [DEACTIVATE]: refused(401), [NAME]: refused(403) }), GHOST), {
      code: 'homeserver_refused',
    });
  });

  it('is not taken for one while the homeserver is away', async () => {
    const away = new HomeserverError('homeserver_unreachable', 'answered 502', { status: 502 });
    await assert.rejects(endGhost(homeserver({ [DEACTIVATE]: away }), GHOST), { code: 'homeserver_unreachable' });
    await assert.rejects(endGhost(homeserver({ [DEACTIVATE]: refused(403), [PROFILE]: away }), GHOST), {
      code: 'homeserver_unreachable',
    });
  });
});
