/** The TURN servers that the homeserver tells apps of, tried as an app would. */
import { printable } from '../../printable.ts';
import { type Check, check } from '../check.ts';
import { failed, type Outcome, ok, warning } from '../finding.ts';
import { said } from '../http.ts';
import { codeOfTrouble, isTrouble } from '../network.ts';
import type { TroubleCode } from '../troubles.ts';
import { type Tried, tryTurn } from '../turn.ts';
import { parseTurnUri } from '../turn-uri.ts';
import type { Account, Way } from './appservice.ts';

/** A homeserver names a handful; each is tried at once. */
const MOST = 16;
/** A whole one is shorter; what is longer has to leave room for the others. */
const ADDRESS_CHARACTERS = 100;

const UNREACHABLE = {
  refused: 'turn_unreachable',
  unknown_host: 'turn_unreachable',
  silent: 'turn_unreachable',
  cut: 'turn_unreachable',
} as const;

export const turnCheck = (account: Check<Account>, bridgeUser: Check<Way>): Check<void> =>
  check({
    name: 'turn',
    needs: [account, bridgeUser],
    deadlineMs: 25_000,
    async run([{ user }]) {
      const told = await user('/_matrix/client/v3/voip/turnServer');
      if (isTrouble(told)) return failed('turn_not_told', told.reason);
      if (told.status !== 200) return failed('turn_not_told', said(told));
      const { uris, username, password } = told.json;
      const texts = Array.isArray(uris) ? uris.filter((uri): uri is string => typeof uri === 'string').slice(0, MOST) : [];
      if (texts.length === 0) return warning('turn_missing', 'the homeserver names none', undefined);
      const tried = await Promise.all(texts.map((text) => attempt(text, String(username ?? ''), String(password ?? ''))));
      return judge(tried);
    },
  });

interface Attempt {
  readonly text: string;
  readonly tried: Tried | undefined;
}

async function attempt(text: string, username: string, password: string): Promise<Attempt> {
  const uri = parseTurnUri(text);
  return { text: printable(text, ADDRESS_CHARACTERS), tried: uri && (await tryTurn(uri, username, password)) };
}

function codeFor({ tried }: Attempt): TroubleCode | undefined {
  if (tried === undefined) return 'turn_unreachable';
  if (tried.result === 'allocated') return undefined;
  if (tried.result === 'unauthorized') return 'turn_secret_differs';
  return tried.result === 'refused' ? 'turn_refused' : codeOfTrouble(tried.trouble, UNREACHABLE);
}

function shown({ text, tried }: Attempt): string {
  if (tried === undefined) return `${text}: no TURN address`;
  if (tried.result === 'allocated') return `${text}: works, ${tried.ms} ms`;
  return tried.result === 'no answer' ? `${text}: ${tried.reason}` : `${text}: error ${tried.code}`;
}

/** What is wrong with all of them is the cause; the wrong secret is always one, since it is wrong everywhere. */
function judge(attempts: readonly Attempt[]): Outcome<void> {
  const codes = attempts.map(codeFor);
  const broken = codes.filter((code) => code !== undefined);
  const found = attempts.map(shown).join('; ');
  if (broken.length === 0) return ok(found, undefined);
  const secret = broken.find((code) => code === 'turn_secret_differs');
  if (secret !== undefined) return failed(secret, found);
  return broken.length < codes.length ? warning('turn_partly', found, undefined) : failed(broken[0]!, found);
}
