/** Where a server name leads. A well-known file is asked for at port 443, which only root may listen on. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { ServerName } from '../../../src/ids.ts';
import { parseServerName } from '../../../src/ids.ts';
import { isTrouble } from '../../../src/ops/doctor/network.ts';
import { askFederation, resolveServer } from '../../../src/ops/doctor/resolve.ts';
import { HOST, isFree } from '../../support/homeserver/ports.ts';
import { TestHomeserver } from './homeserver.ts';
import { trusting } from './trusting.ts';

/** What leads nowhere, or somewhere else than its host. */
const HOSTILE = ['a:99999', 'me@a.example', 'a.example/x', 'a.example?x', 'a.example#x', 'a\u0000.example', '\u001b[2J', ''].map(
  (server) => JSON.stringify({ 'm.server': server }),
);

const target = (host: string, port: number, name: string, hostHeader: string) => ({ host, port, name, hostHeader });

describe('A server name', () => {
  it('with a port, or that is an address, is asked as it stands', async () => {
    const cases = {
      'orchid.example:8449': target('orchid.example', 8449, 'orchid.example', 'orchid.example:8449'),
      '192.0.2.1': target('192.0.2.1', 8448, '192.0.2.1', '192.0.2.1'),
      '[2001:db8::1]:443': target('2001:db8::1', 443, '2001:db8::1', '[2001:db8::1]:443'),
    };
    for (const [name, expected] of Object.entries(cases)) assert.deepEqual(await resolveServer(parseServerName(name)), expected);
  });

  describe('with a well-known file', () => {
    const LOCALHOST = 'localhost' as ServerName;
    const { authority } = trusting();
    let web: Server;
    let homeserver: TestHomeserver;
    let answer: { readonly status: number; readonly body: string; readonly location?: string };

    before(async function () {
      if (!(await isFree(443))) {
        console.log('      skipped: port 443 takes root, and nobody else there');
        this.skip();
      }
      const { certificate, key } = authority.issue();
      web = createServer({ cert: certificate, key }, (request, response) => {
        const { status, body, location } = request.url === '/moved' ? { ...answer, status: 200, location: undefined } : answer;
        response.writeHead(status, location === undefined ? {} : { location }).end(body);
      });
      await once(web.listen(443, HOST), 'listening');
      homeserver = await TestHomeserver.start(authority.issue());
    });
    after(async () => {
      web?.close();
      web?.closeAllConnections();
      await homeserver?.stop();
    });

    it('is asked where that says, also after a redirect', async () => {
      homeserver.federationName = LOCALHOST;
      const body = JSON.stringify({ 'm.server': homeserver.serverName });
      for (const one of [
        { status: 200, body },
        { status: 302, body, location: '/moved' },
      ]) {
        answer = one;
        const asked = await askFederation(LOCALHOST);
        assert.ok(asked !== 'broken' && !isTrouble(asked));
        assert.equal(asked.json['server_name'], LOCALHOST);
        assert.ok((asked.certificateEnds ?? 0) > Date.now());
      }
    });

    it('that is none is told apart from none', async () => {
      for (const body of ['<html>', '{}', '{"m.server": 8448}', '{"m.server": "a b:c"}', ...HOSTILE]) {
        answer = { status: 200, body };
        assert.equal(await askFederation(LOCALHOST), 'broken', body);
      }
    });
  });
});
