import { type Answer, type Call, createPlainAnswer } from '../answer.ts';

/** `GET /health`, `/ping` and `/`: 200 and nothing to say, as vLLM. */
export function answerHealth(): Answer {
  return createPlainAnswer('', { contentType: 'text/plain' });
}

export function answerVersion(): Answer {
  return createPlainAnswer({ version: '0.32.0+mock' });
}

/** `GET /metrics` in Prometheus' text format. */
export function answerMetrics(call: Call): Answer {
  return createPlainAnswer(call.engine.renderMetrics(), {
    contentType: 'text/plain; version=0.0.4; charset=utf-8',
  });
}
