import { about, origin, section, serverName } from '../fields.ts';

export const homeserver = section('The Matrix homeserver of this community.', {
  url: about(origin.prefault('http://127.0.0.1:8008'), {
    description: 'Where the bridge reaches the homeserver’s client API. Plain http is for the same machine.',
    allowed: 'an http:// or https:// address without a path',
  }),
  server_name: about(serverName, {
    description: 'The homeserver’s server_name: the part of members’ addresses behind the @. It can never be changed.',
    allowed: 'a Matrix server name in lower case, with its port if it has one, as orchid.example',
    example: 'orchid.example',
  }),
});
