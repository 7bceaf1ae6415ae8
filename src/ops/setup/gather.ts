/** The questions, in their order: the homeserver first, since it answers some of the others itself. */
import { hostname } from 'node:os';
import { VollyError } from '../../errors.ts';
import type { Form } from './form.ts';
import type { Found } from './look.ts';
import { type Answers, type OptionName, optionOf, type Value } from './options.ts';

export interface Surroundings {
  readonly look: (url: string) => Promise<Found>;
  /** Throws `port_taken` for an address that cannot be listened on. */
  readonly tryListen: (at: { readonly host: string; readonly port: number }) => Promise<void>;
}

export async function gather(form: Form, around: Surroundings): Promise<Answers> {
  if (form.interactive) form.say(INTRODUCTION);
  const { url, home } = await homeserver(form, around);
  const server = await serverName(form, url, home);
  await appservice(form, around, url);
  const gatewayPort = await gateway(form, around);
  await port(form, around, 'admin', LOOPBACK_HOST);
  await form.fill('gateway.public_url', {
    title: 'Address of the gateway for apps',
    // A guess is good enough to be offered, and not to be taken unasked.
    suggest: form.interactive ? publicUrl(server, gatewayPort) : undefined,
  });
  for (const name of ['appservice.registration', 'gateway.legacy'] as const)
    if (form.given(name) !== undefined) await form.fill(name, { title: name });
  return form.done();
}

const INTRODUCTION = `What can be found is not asked. Enter takes what stands in brackets; Ctrl-C ends it all, and nothing is written.
Everything else has a default; config.sample.yaml has it all, each with its reason.`;
const LOOPBACK_HOST = '127.0.0.1';
/** A second bridge on a machine takes 29340 to 29342. */
const STEP = 10;
const TRIES = 50;

async function homeserver(form: Form, { look }: Surroundings): Promise<{ url: string; home: Found }> {
  const title = 'Address of the homeserver';
  const fill = async (suggest: Value | undefined): Promise<string> =>
    String(await form.fill('homeserver.url', { title, suggest }));
  let url = await fill(optionOf('homeserver.url').default as string);
  let home = await look(url);
  while (home.away !== undefined) {
    form.say(`  At ${url} ${home.away}.`);
    if (!form.interactive || form.given('homeserver.url') !== undefined) break;
    form.say('  Enter keeps the address all the same.');
    const again = await fill(url);
    if (again === url) break;
    url = again;
    home = await look(url);
  }
  if (home.away === undefined)
    form.say(`  At ${url} a homeserver answers${home.software === 'unknown' ? '' : `: ${home.software}`}.`);
  return { url, home };
}

async function serverName(form: Form, url: string, { serverName: found, likelyName }: Found): Promise<string | undefined> {
  const name = await form.fill('homeserver.server_name', {
    title: 'Name of the homeserver',
    suggest: found ?? (form.interactive ? likelyName : undefined),
    check(value) {
      if (found !== undefined && value !== found)
        throw new VollyError('bad_answer', `found ${value}; the homeserver at ${url} says that it is ${found}`);
    },
  });
  return name === undefined ? undefined : String(name);
}

async function appservice(form: Form, around: Surroundings, url: string): Promise<void> {
  // Where the homeserver is elsewhere, it has to be told an address that leads here.
  const isElsewhere = !isLoopback(String(form.given('appservice.url') ?? url));
  const host = await form.fill('appservice.listen.host', {
    title: 'Address to listen on for the homeserver',
    suggest: isElsewhere ? '0.0.0.0' : LOOPBACK_HOST,
    asked: isElsewhere,
  });
  const number = await port(form, around, 'appservice', String(host));
  const guess = form.interactive ? `http://${hostname().toLowerCase()}:${number}` : undefined;
  await form.fill('appservice.url', {
    title: 'Address of this bridge for the homeserver',
    suggest: isElsewhere ? guess : `http://${LOOPBACK_HOST}:${number}`,
    asked: isElsewhere,
  });
}

async function gateway(form: Form, around: Surroundings): Promise<Value | undefined> {
  const host = await form.fill('gateway.listen.host', { title: 'Gateway host', suggest: LOOPBACK_HOST, asked: false });
  return port(form, around, 'gateway', String(host));
}

type Listener = 'appservice' | 'gateway' | 'admin';
const LISTENERS: readonly Listener[] = ['appservice', 'gateway', 'admin'];
const portOf = (listener: Listener): OptionName => `${listener}.listen.port`;

/** The usual one without a word where it is free. */
async function port(form: Form, around: Surroundings, listener: Listener, host: string): Promise<Value | undefined> {
  const name = portOf(listener);
  const usual = optionOf(name).default as number;
  const isFree = async (value: Value): Promise<void> => {
    const other = LISTENERS.find((one) => one !== listener && form.answer(portOf(one)) === value);
    if (other !== undefined)
      throw new VollyError('bad_answer', `found ${value}; it is the port of ${other}.listen too, they need two`);
    await around.tryListen({ host, port: Number(value) });
  };
  const free = form.given(name) !== undefined ? undefined : await firstFree(usual, isFree);
  if (free !== undefined && free !== usual) form.say(`  Port ${usual}, the usual one of ${listener}, is taken: ${free} is free.`);
  return form.fill(name, { title: `Port of ${listener}`, suggest: free, asked: free !== usual, check: isFree });
}

async function firstFree(usual: number, isFree: (port: number) => Promise<void>): Promise<number | undefined> {
  for (let tried = usual; tried < usual + STEP * TRIES; tried += STEP) {
    try {
      await isFree(tried);
      return tried;
    } catch (error) {
      if (!(error instanceof VollyError)) throw error;
    }
  }
  return undefined;
}

const isLoopback = (url: string): boolean => /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(URL.parse(url)?.hostname ?? '');

/** The community's own name with one label before it; on one's own machine no name is needed. */
function publicUrl(server: string | undefined, gatewayPort: Value | undefined): string | undefined {
  if (server === undefined) return undefined;
  if (isLoopback(`http://${server}`)) return `ws://${LOOPBACK_HOST}:${gatewayPort}`;
  return `wss://volly.${server.replace(/:\d+$/, '')}`;
}
