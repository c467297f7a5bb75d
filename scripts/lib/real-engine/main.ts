import { join } from 'node:path';
import { llmgateBinary } from '../../../test/support/llmgate-binary.ts';
import { ServeLab } from '../../../test/support/serve-lab.ts';
import { ROOT } from '../root.ts';
import { runPythonChecks } from '../sdk/python-checks.ts';
import { ensurePythonEnv } from '../sdk/python-env.ts';
import { MODEL, startEngine } from './engine.ts';
import { runNodeChecks } from './node-checks.ts';
import { runSwapChecks } from './swap-checks.ts';

const HELP = `usage: scripts/real-engine

Builds llmgate and runs the official OpenAI clients for Python and JavaScript through it on a real
engine: llama.cpp's server with a tiny model of random weights that is made on the spot. Then llmgate
starts and swaps two such engines itself. The first
time llama.cpp is compiled into .tools/llama, which takes some minutes and a C++ compiler;
LLMGATE_LLAMA_VENV names a Python environment that has llama-cpp-python[server] and gguf already.
`;

/** Servers are started below: none of them may outlive this. */
const ALL_WITHIN_MS = 10 * 60_000;

const say = (text: string) => void process.stdout.write(`${text}\n`);

if (process.argv.includes('--help')) {
  process.stdout.write(HELP);
} else {
  process.exitCode = (await checkRealEngine()) ? 0 : 1;
}

async function checkRealEngine(): Promise<boolean> {
  const python = await findEnginePython();
  const tooLong = setTimeout(() => process.exit(1), ALL_WITHIN_MS);
  try {
    say(`==> llama.cpp's server (llama-cpp-python ${versionOf(python)}) with ${MODEL}`);
    using lab = new ServeLab('');
    await using engine = await startEngine(python, lab.folder);
    lab.writeConfig(`backends:
  engine: { type: llamacpp, url: "${engine.url}" }
models:
  ${MODEL}: { targets: [engine], price: { input: 1, output: 2 } }`);
    await using served = await lab.serve();
    say('==> the official client for Python');
    const isPythonFine = await runPythonChecks({
      base_url: `${served.url}/v1`,
      model: MODEL,
      has: ['books', 'priced', 'small context', 'chat', 'completions', 'embeddings'],
      llmgate: llmgateBinary(),
      folder: lab.folder,
    });
    say('==> the official client for JavaScript');
    const isNodeFine = await runNodeChecks({ engine, lab, served });
    const areBooksFine = await showBooks(lab);
    say('==> two engines that llmgate starts and swaps itself');
    const areSwapsFine = await runSwapChecks(python, engine.model);
    return isPythonFine && isNodeFine && areBooksFine && areSwapsFine;
  } finally {
    clearTimeout(tooLong);
  }
}

async function showBooks(lab: ServeLab): Promise<boolean> {
  let isFine = true;
  for (const command of ['usage --by endpoint,outcome', 'ledger check']) {
    const { code, stdout, stderr } = await lab.run(...command.split(' '));
    say(`==> llmgate ${command}\n${stdout.trimEnd()}${stderr}`);
    isFine &&= code === 0;
  }
  return isFine;
}

async function findEnginePython(): Promise<string> {
  const ready = process.env['LLMGATE_LLAMA_VENV'];
  if (ready !== undefined) return join(ready, 'bin/python');
  return await ensurePythonEnv(
    join(ROOT, '.tools/llama'),
    join(import.meta.dirname, 'requirements.txt'),
  );
}

function versionOf(python: string): string {
  const { stdout } = Bun.spawnSync([
    python,
    '-c',
    'import llama_cpp; print(llama_cpp.__version__)',
  ]);
  return stdout.toString().trim();
}
