/** What setup tells the operator to do, as text: nothing of it is done here. */
import { stringify } from 'yaml';
import type { Config } from '../../config/schema.ts';

interface Place {
  /** Absolute path of the registration. */
  readonly registration: string;
  /** Of the homeserver, as it names itself: `Synapse/1.163.2`. */
  readonly software: string;
}

const isDendrite = (software: string): boolean => software.startsWith('Dendrite');

/** Exactly what the homeserver's configuration needs. */
export const homeserverLines = ({ registration, software }: Place): string =>
  stringify(
    isDendrite(software) ? { app_service_api: { config_files: [registration] } } : { app_service_config_files: [registration] },
    { lineWidth: 0 },
  ).trimEnd();

export function tellHomeserver(place: Place): string {
  const file = isDendrite(place.software) ? 'dendrite.yaml' : 'homeserver.yaml';
  const name = isDendrite(place.software) ? 'dendrite' : 'matrix-synapse';
  return `
Add these lines to ${file} (where the list is there already, add the path to it):

${homeserverLines(place)}

Nothing else has to be set there: no experimental feature, and no rate limit, from which the registration exempts the bridge.

The homeserver must be able to read that file, which is open to its owner alone. Where it runs as another user or on another
machine, give it a copy, and name the copy in those lines:
  sudo install -m 0400 -o ${name} ${quoted(place.registration)} /etc/${name}/volly-registration.yaml
In a container, mount the file and name the path that it has there.

Then restart the homeserver, by what it runs under:
  sudo systemctl restart ${name}
  docker restart ${isDendrite(place.software) ? 'dendrite' : 'synapse'}
  ${isDendrite(place.software) ? 'or end it and start it again' : 'synctl restart homeserver.yaml'}
`;
}

/** For when the homeserver does not come to know the bridge. */
export function whatToCheck({ registration, software }: Place, { homeserver }: Config): string {
  const file = isDendrite(software) ? 'dendrite.yaml' : 'homeserver.yaml';
  return `
What to check:
  - Do the lines stand in the ${file} that the homeserver reads, and was it restarted after that?
  - May the homeserver's user read ${registration}, or is its copy an old one? Its log says why it does not start.
  - Does ${homeserver.url} lead to that homeserver, and is it ${homeserver.server_name}?
The same command again goes on from here.
`;
}

export function whatIsNext({ gateway }: Config, isWell: boolean, command: string): string {
  const { host, port } = gateway.listen;
  const isPlain = gateway.tls === undefined && gateway.public_url.startsWith('https:');
  const tls = `  - Let ${gateway.public_url.replace(/^http/, 'ws')} lead to ${host}:${port}: a reverse proxy that ends TLS and passes WebSockets on.\n`;
  const mend = `  - Mend what the doctor has found; it looks again with: ${command} doctor\n`;
  return `
Next:
${isWell ? '' : mend}  - Start the bridge: ${command} start
    As a service: deploy/systemd or deploy/docker.
${isPlain ? tls : ''}  - Invite a member: ${command} member invite alice
`;
}

/** For a line that is pasted into a shell. */
export const quoted = (text: string): string => (/^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
