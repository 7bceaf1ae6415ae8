// Ends with 0 where the bridge answers. Whether its homeserver does is /ready's to say: a restart of the bridge would not mend that.
const port = process.env.VOLLY_APPSERVICE__LISTEN__PORT ?? 29330;
const answer = await fetch(`http://127.0.0.1:${port}/live`, { signal: AbortSignal.timeout(4_000) });
process.exit(answer.ok ? 0 : 1);
