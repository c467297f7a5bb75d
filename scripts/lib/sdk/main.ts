import { parseArgs } from 'node:util';
import { llmgateBinary } from '../../../test/support/llmgate-binary.ts';
import { LlmgateProcess } from '../../../test/support/llmgate-process.ts';
import { ServeLab } from '../../../test/support/serve-lab.ts';
import { runPythonChecks } from './python-checks.ts';

const HELP = `usage: scripts/sdk-check [--base-url URL [--key KEY] [--model NAME]]

Runs the official OpenAI client for Python, unchanged, against llmgate and prints one line for each
check. Without options it builds llmgate and starts it with a simulated backend behind it; with
--base-url (such as http://127.0.0.1:8080/v1) it asks that gateway what can be asked of any; the key
is then that of --key or OPENAI_API_KEY.
Needs Python 3.10 or newer; the client is installed into .tools/python.
`;

/** The last model can be asked once every 1.2 seconds. */
const configOf = (mockUrl: string) => `backends:
  mock: { type: vllm, url: "${mockUrl}" }
models:
  small: { targets: [mock], price: { input: 1, output: 2 } }
  limited: { targets: [{ backend: mock, model: small }] }
limits:
  - { per: key, model: limited, requests: 50/m, burst: 1 }
`;

const { values } = parseArgs({
  args: process.argv.slice(2),
  options: {
    'base-url': { type: 'string' },
    key: { type: 'string' },
    model: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
});

if (values.help === true) {
  process.stdout.write(HELP);
} else {
  const { 'base-url': baseUrl, key } = values;
  const ok =
    baseUrl === undefined
      ? await checkOwnGateway()
      : await checkGateway(baseUrl, key ?? process.env['OPENAI_API_KEY'] ?? '', values.model);
  process.exitCode = ok ? 0 : 1;
}

async function checkOwnGateway(): Promise<boolean> {
  await using mock = new LlmgateProcess(
    ['mock', '--listen', '127.0.0.1:0', '--model', 'small', '--tokens', '16'],
    { cwd: process.cwd() },
  );
  const [, mockUrl = ''] = await mock.untilLine(/listens on (http:\S+)/);
  using lab = new ServeLab(configOf(mockUrl));
  await using served = await lab.serve();
  return await runPythonChecks({
    base_url: `${served.url}/v1`,
    model: 'small',
    has: [
      ...[
        'books',
        'mock',
        'priced',
        'limited model',
        'small context',
        'chat',
        'stream usage',
        'tools',
      ],
      ...['completions', 'embeddings', 'responses'],
    ],
    llmgate: llmgateBinary(),
    folder: lab.folder,
    mock_url: mockUrl,
  });
}

async function checkGateway(
  baseUrl: string,
  key: string,
  model: string | undefined,
): Promise<boolean> {
  return await runPythonChecks({
    base_url: baseUrl,
    model: model ?? (await findFirstModel(baseUrl, key)),
    has: ['chat'],
    key,
  });
}

async function findFirstModel(baseUrl: string, key: string): Promise<string> {
  const reply = await fetch(`${baseUrl}/models`, { headers: { authorization: `Bearer ${key}` } });
  const text = await reply.text();
  if (!reply.ok) throw new Error(`${baseUrl}/models: ${reply.status} ${text}`);
  const { data } = JSON.parse(text) as { data?: { id: string }[] };
  const first = data?.[0]?.id;
  if (first === undefined) throw new Error(`${baseUrl} offers no model; name one with --model`);
  return first;
}
