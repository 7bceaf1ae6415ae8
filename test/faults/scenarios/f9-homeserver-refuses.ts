/**
 * F9: homeservers that ask for patience (429), answer 502, and hang: they do what they are asked and say nothing. Under each the bridges stay
 * away where they were asked to, and send no more than they must. Only while a homeserver hangs may messages fail.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Scenario } from '../scenario.ts';
import { type HomeserverProxy, type Kind, type Rule, startHomeserverProxy } from '../tools/homeserver-proxy.ts';
import type { Tally } from '../tools/tally.ts';

/** Each try that is refused counts as a send: a tenth makes 1.11 of 1 by itself. */
const SHARE = 0.1;
const WARM_MS = 5_000;
const RETRY_AFTER_MS = 1_500;
const REFUSING_MS = { short: 8_000, long: 60_000 };
const HANGING_MS = { short: 15_000, long: 60_000 };
const SENDS_AT_MOST = 1.2;
const FLOWING_MS = 60_000;

const ALL: readonly Kind[] = ['sync', 'sendToDevice', 'profile', 'keys/query', 'other'];
const HANG: readonly Rule[] = [{ of: ALL, share: 1, fault: { do: 'hang', ms: HANGING_MS.long } }];
const PHASES = [
  {
    what: '429',
    rules: [{ of: ['sendToDevice', 'sync'], share: SHARE, fault: { do: 'refuse', status: 429, retryAfterMs: RETRY_AFTER_MS } }],
    ms: REFUSING_MS,
  },
  { what: '502', rules: [{ of: ALL, share: SHARE, fault: { do: 'refuse', status: 502 } }], ms: REFUSING_MS },
  { what: 'hanging', rules: HANG, ms: HANGING_MS },
] as const satisfies readonly { what: string; rules: readonly Rule[]; ms: typeof REFUSING_MS | typeof HANGING_MS }[];

let proxies: Partial<Record<'a' | 'b', HomeserverProxy>> = {};

export const scenario: Scenario = {
  id: 'F9',
  title: 'homeservers answer 429, 502, hang',
  async world({ random }) {
    proxies = {};
    const at = (side: 'a' | 'b') => async (target: number) => {
      const proxy = await startHomeserverProxy(target, random);
      proxies[side] = proxy;
      return proxy;
    };
    return { ways: { a: { homeserver: at('a') }, b: { homeserver: at('b') } } };
  },
  async run(scene, { form, progress }) {
    const both = Object.values(proxies);
    const sum = (what: (proxy: HomeserverProxy) => number) => both.reduce((all, proxy) => all + what(proxy), 0);
    const bad = { sends: 0, envelopes: 0 };
    await scene.load();
    await sleep(WARM_MS);
    const sides = form === 'short' ? (['a'] as const) : (['a', 'b'] as const);
    for (const side of sides) {
      const [proxy, other] = [proxies[side]!, proxies[side === 'a' ? 'b' : 'a']!];
      for (const { what, rules, ms } of PHASES) {
        const [own, others] = [since(proxy.tally), since(other.tally)];
        const healed = rules === HANG ? await scene.fault(`homeserver ${side} hangs`) : undefined;
        proxy.rules = rules;
        await sleep(ms[form]);
        proxy.rules = [];
        await healed?.();
        const sent = own();
        bad.sends += sent.sends;
        bad.envelopes += sent.envelopes;
        progress(`homeserver ${side}, ${what}: ${each(sent)} sends an envelope; the other bridge ${each(others())}`);
        await scene.untilFlowing(FLOWING_MS);
      }
    }
    return {
      bounds: [
        { what: 'sends an envelope, to a bad homeserver', value: bad.sends / bad.envelopes, atMost: SENDS_AT_MOST, unit: '' },
        { what: 'requests before the time that a 429 named', value: sum(({ tally }) => tally.early), atMost: 0, unit: '' },
      ],
      notes: [
        `${bad.envelopes} envelopes to a bad homeserver; ${each({ sends: sum(({ tally }) => tally.sends), envelopes: sum(({ tally }) => tally.envelopes) })} sends an envelope over all, with those of the bridge that hears no acknowledgement meanwhile`,
        `${sum(({ tally }) => tally.faults.get('refuse') ?? 0)} requests refused, ${sum(({ tally }) => tally.faults.get('hang') ?? 0)} left hanging`,
        `hung for ${HANGING_MS[form] / 1_000} s (long form: ${HANGING_MS.long / 1_000} s, each side)`,
      ],
    };
  },
};

type Sent = Pick<Tally, 'sends' | 'envelopes'>;

/** What is sent from now on, each try counted. */
function since(tally: Tally): () => Sent {
  const { sends, envelopes } = tally;
  return () => ({ sends: tally.sends - sends, envelopes: tally.envelopes - envelopes });
}

const each = ({ sends, envelopes }: Sent): string => (sends / envelopes).toFixed(2);
