import { join } from 'node:path';
import { RunningProcess } from '../../../test/support/running-process.ts';

/** The name that the engine gives its model. */
export const MODEL = 'tiny-llama';

export interface Engine extends AsyncDisposable {
  readonly process: RunningProcess;
  readonly url: string;
  /** The file of its model. */
  readonly model: string;
}

/** Makes the random model in `folder` and serves it with llama.cpp's server on a free port. */
export async function startEngine(python: string, folder: string): Promise<Engine> {
  const model = join(folder, 'tiny-llama.gguf');
  const made = Bun.spawnSync([python, '-B', join(import.meta.dirname, 'make_model.py'), model], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (!made.success) throw new Error('make_model.py failed');
  const process = new RunningProcess(
    [
      ...[python, '-m', 'llama_cpp.server', '--model', model, '--model_alias', MODEL],
      ...['--host', '127.0.0.1', '--port', '0', '--n_ctx', '8192', '--n_threads', '1'],
      ...['--embedding', 'true', '--verbose', 'false'],
    ],
    { cwd: folder, env: { PYTHONUNBUFFERED: '1', PYTHONDONTWRITEBYTECODE: '1' } },
  );
  const [, url = ''] = await process.untilLine(/running on (http:\S+)/, 60_000);
  return { process, url, model, [Symbol.asyncDispose]: () => process[Symbol.asyncDispose]() };
}
