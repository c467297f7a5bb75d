import { expect, test } from 'vitest';
import { askAllAtOnce, postText } from '../support/all-at-once.ts';
import { LlmgateProcess } from '../support/llmgate-process.ts';
import { type IssuedKey, ServeLab } from '../support/serve-lab.ts';

// A thousand requests at the same moment, and money for ten: ten are sent, whatever the order.

const REQUESTS = 1_000;
const FIT = 10;
/** As llmgate estimates it, and as the mock is told to say: a request costs what it held. */
const INPUT_TOKENS = 5;
const OUTPUT_TOKENS = 100;
const BODY = {
  model: 'small',
  max_tokens: OUTPUT_TOKENS,
  messages: [{ role: 'user', content: 'Go.' }],
};
/** At 2 dollars a million of input and 10 of output. */
const REQUEST_USD = 0.00101;
const REQUEST_NANO_USD = 1_010_000;
const REQUEST_TOKENS = INPUT_TOKENS + OUTPUT_TOKENS;
const usd = (requests: number) => (REQUEST_USD * requests).toFixed(5);

interface Race {
  readonly name: string;
  readonly budgets: readonly string[];
  /** Flags of the keys that share the requests among them. */
  readonly keys: readonly (readonly string[])[];
}

const RED = ['--team', 'red', '--user', 'ann', '--tenant', 'acme'];

const RACES: readonly Race[] = [
  {
    name: 'one key',
    budgets: [`{ per: key, usd: ${usd(FIT)}, window: total }`],
    keys: [[]],
  },
  {
    name: 'stacked budgets, of which the tightest counts',
    budgets: [
      `{ per: all, usd: ${usd(40)}, window: day }`,
      `{ per: tenant, usd: ${usd(30)}, window: hour }`,
      `{ per: team, tokens: ${REQUEST_TOKENS * 20}, window: week }`,
      `{ per: user, usd: ${usd(FIT)}, window: month }`,
      `{ per: key, tokens: ${REQUEST_TOKENS * 25}, window: total }`,
      `{ per: model, usd: ${usd(11)}, window: total }`,
    ],
    keys: [RED],
  },
  {
    name: 'two keys of one team',
    budgets: [`{ per: team, usd: ${usd(FIT)}, window: month }`],
    keys: [RED, ['--team', 'red', '--user', 'bob']],
  },
  {
    name: 'tokens, and a rest that is less than a request',
    budgets: [`{ per: all, tokens: ${REQUEST_TOKENS * (FIT + 1) - 1}, window: total }`],
    keys: [[]],
  },
];

const configOf = (mockUrl: string, budgets: readonly string[]) => `backends:
  mock: { type: vllm, url: "${mockUrl}" }
models:
  small: { targets: [mock], price: { input: 2, output: 10 } }
budgets:
${budgets.map((budget) => `  - ${budget}`).join('\n')}
log: { level: warn }`;

const MOCK = [
  ...['mock', '--listen', '127.0.0.1:0', '--model', 'small', '--ttft', '50ms'],
  ...['--tokens', String(OUTPUT_TOKENS), '--set', `{"prompt_tokens":${INPUT_TOKENS}}`],
];

test.each(RACES)('1,000 at once and money for 10: $name', async ({ budgets, keys: flags }) => {
  using lab = new ServeLab('');
  await using mock = new LlmgateProcess(MOCK, { cwd: lab.folder });
  const [, mockUrl = ''] = await mock.untilLine(/listens on (http:\S+)/);
  lab.writeConfig(configOf(mockUrl, budgets));
  const keys: IssuedKey[] = [];
  for (const of of flags) keys.push(await lab.createKey(`key ${keys.length}`, ...of));
  await using served = await lab.serve();
  const requests = Array.from({ length: REQUESTS }, (_, index) =>
    postText('/v1/chat/completions', keys[index % keys.length]?.key ?? '', {
      ...BODY,
      stream: index % 3 === 0,
    }),
  );
  const answers = await askAllAtOnce(served.url, requests);

  const statuses = Map.groupBy(answers, ({ status }) => status);
  expect(statuses.get(200)?.length).toBe(FIT);
  const refused = statuses.get(429) ?? [];
  expect(refused.length).toBe(REQUESTS - FIT);
  expect(refused.every(({ text }) => text.includes('"insufficient_quota"'))).toBe(true);
  const stats = await (await fetch(`${mockUrl}/mock/stats`)).json();
  expect(stats).toMatchObject({ requests: FIT });
  expect(
    lab.query(`SELECT outcome, count(*) AS requests, sum(cost_nano_usd) AS cost,
      sum(input_tokens + output_tokens) AS tokens FROM request_log GROUP BY 1 ORDER BY 1`),
  ).toEqual([
    { outcome: 'refused', requests: REQUESTS - FIT, cost: 0, tokens: 0 },
    {
      outcome: 'served',
      requests: FIT,
      cost: FIT * REQUEST_NANO_USD,
      tokens: FIT * REQUEST_TOKENS,
    },
  ]);
  // Nothing is held any more, and what was spent is still spent: not one more fits.
  const [last] = await askAllAtOnce(served.url, requests.slice(0, 1));
  expect(last?.status).toBe(429);
  const { stderr, code } = await lab.run('ledger', 'check');
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
});
