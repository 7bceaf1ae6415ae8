/** Whether a homeserver answers, which one it is, and its clock. */
import type { Config } from '../../../config/schema.ts';
import { LIMITS } from '../../../limits.ts';
import { type Check, check } from '../check.ts';
import { failed, notTried, type Outcome, ok, warning } from '../finding.ts';
import { type Answer, ask, said } from '../http.ts';
import { codeOfTrouble, isTrouble } from '../network.ts';
import type { DoctorPorts } from '../ports.ts';
import { seconds } from './bridge.ts';
import { endsSoon } from './secrets.ts';

/** As README says. */
const SYNAPSE = [1, 160] as const;
/** Half of what a call bears is early enough to tell. */
const DRIFT_MS = 5_000;

const TROUBLES = {
  refused: 'homeserver_down',
  unknown_host: 'homeserver_unknown_host',
  silent: 'homeserver_silent',
  cut: 'homeserver_is_another',
} as const;

export interface Homeserver {
  readonly url: string;
  readonly versions: Answer;
  /** Unix ms when the answer was there. */
  readonly at: number;
}

export const homeserverCheck = ({ answerMs }: Pick<DoctorPorts, 'answerMs'>, config: Check<Config>): Check<Homeserver> =>
  check({
    name: 'homeserver',
    needs: [config],
    deadlineMs: 25_000,
    async run([
      {
        homeserver: { url },
      },
    ]) {
      const versions = await ask(`${url}/_matrix/client/versions`, { timeoutMs: answerMs });
      if (isTrouble(versions)) {
        const { trouble, reason } = versions;
        if (trouble === 'cut' && (await wantsTls(url))) return failed('wants_tls', url);
        return failed(codeOfTrouble(trouble, TROUBLES), `${url} (${reason})`);
      }
      if (versions.status >= 500) return failed('homeserver_failing', `${url} answers ${said(versions)}`);
      if (versions.status === 200 && Array.isArray(versions.json['versions'])) {
        const homeserver = { url, versions, at: Date.now() };
        return endsSoon(versions, homeserver) ?? ok(`${url}, ${versions.ms} ms`, homeserver);
      }
      if (await wantsTls(url)) return failed('wants_tls', url);
      return failed('homeserver_is_another', `${url} answers ${said(versions)}`);
    },
  });

/** A listener with TLS cuts what is no TLS off, or says 400 in HTML. */
async function wantsTls(url: string): Promise<boolean> {
  if (!url.startsWith('http:')) return false;
  const asked = await ask(`${url.replace(/^http:/, 'https:')}/_matrix/client/versions`, { timeoutMs: 5_000 });
  return isTrouble(asked) ? asked.trouble.startsWith('certificate_') : true;
}

/** Its name and version; undefined where it does not tell. */
export const softwareCheck = (homeserver: Check<Homeserver>): Check<string | undefined> =>
  check({
    name: 'software',
    needs: [homeserver],
    async run([{ url, versions }]) {
      const asked = await ask(`${url}/_matrix/federation/v1/version`);
      const name = (isTrouble(asked) ? undefined : nameIn(asked.json)) ?? headerName(versions);
      if (name === undefined) return ok('does not tell its name', undefined);
      return judge(name);
    },
  });

function judge(name: string): Outcome<string> {
  const [, major = 0, minor = 0] = (/^Synapse\/(\d+)\.(\d+)/.exec(name) ?? []).map(Number);
  if (name.startsWith('Dendrite/')) return ok(name, name);
  if (!name.startsWith('Synapse/')) return warning('untested_homeserver', name, name);
  const isNew = major > SYNAPSE[0] || (major === SYNAPSE[0] && minor >= SYNAPSE[1]);
  return isNew ? ok(name, name) : warning('synapse_old', name, name);
}

const PLAIN = /^[\w. /+()-]{1,64}$/;

function nameIn(json: Answer['json']): string | undefined {
  const { name, version } = (json['server'] ?? {}) as Record<string, unknown>;
  const text = `${name}/${version}`;
  return typeof name === 'string' && typeof version === 'string' && PLAIN.test(text) ? text : undefined;
}

/** A proxy writes its own. */
function headerName({ headers }: Answer): string | undefined {
  const name = String(headers['server'] ?? '');
  return /^(Synapse|Dendrite)\//.test(name) && PLAIN.test(name) ? name : undefined;
}

export const clockCheck = (homeserver: Check<Homeserver>): Check<void> =>
  check({
    name: 'clock',
    needs: [homeserver],
    run([{ versions, at }]) {
      const theirs = Date.parse(versions.headers.date ?? '');
      if (Number.isNaN(theirs)) return notTried('the homeserver tells no time');
      // The header has whole seconds, and was written somewhere between question and answer.
      const early = theirs - at;
      const late = theirs + 1_000 - (at - versions.ms);
      const off = early > 0 ? early : Math.min(0, late);
      const shown = `the homeserver’s is ${seconds(off)} from this machine’s`;
      if (Math.abs(off) > LIMITS.skewMs) return failed('clock_off', shown);
      return Math.abs(off) > DRIFT_MS ? warning('clock_drifts', shown, undefined) : ok(shown, undefined);
    },
  });
