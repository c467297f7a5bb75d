import { parseConfig } from '../../src/config/load.ts';
import { createModelTable, type Model } from '../../src/routing/model-table.ts';

const BACKENDS = `
backends:
  gpu0: { type: vllm, url: "http://127.0.0.1:9000", labels: [local, big], discover: false }
  gpu1: { type: vllm, url: "http://127.0.0.1:9001", labels: [local], weight: 3, discover: false }
  cloud: { type: openai_compatible, url: "http://127.0.0.1:9002", discover: false }
  other: { type: vllm, url: "http://127.0.0.1:9003", labels: [elsewhere], discover: false }
`;

/** Labels of the backends `gpu0`, `gpu1` and `cloud` that the models of `modelsOf` may name. */
export const LABELS: Readonly<Record<string, readonly string[]>> = {
  gpu0: ['local', 'big'],
  gpu1: ['local'],
  cloud: [],
};

/** Models as routing has them, from what stands under `models` in a configuration. */
export function modelsOf(yaml: string): (name: string) => Model {
  const text = `${BACKENDS}\nmodels:\n${yaml}`;
  const { config } = parseConfig(text, { name: 'test.yaml', env: {}, folder: '/tmp' });
  const weights = new Map(config.backends.map(({ id, weight }) => [id, weight]));
  const table = createModelTable(config.models, [], weights);
  return (name) => {
    const model = table.find(name);
    if (model === undefined) throw new Error(`no model ${name}`);
    return model;
  };
}
