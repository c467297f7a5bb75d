import { type Answer, type Call, createPlainAnswer } from '../answer.ts';
import { readPrompt } from '../prompt.ts';
import { createBadRequest } from '../refusal.ts';

const CATEGORIES = [
  'harassment',
  'harassment/threatening',
  'hate',
  'hate/threatening',
  'illicit',
  'illicit/violent',
  'self-harm',
  'self-harm/intent',
  'self-harm/instructions',
  'sexual',
  'sexual/minors',
  'violence',
  'violence/graphic',
];
const FLAGGED = /\bviolence\b/i;

/** `POST /v1/moderations`: flags what contains the word "violence", nothing else. */
export function answerModerations(call: Call): Answer {
  const { input } = call.body;
  if (input === undefined) throw createBadRequest('input is missing.', 'input');
  const items = Array.isArray(input) && typeof input[0] === 'string' ? input : [input];
  const results = items.map((item) => {
    const isFlagged = FLAGGED.test(JSON.stringify(item));
    const isOf = (name: string) => isFlagged && name === 'violence';
    return {
      flagged: isFlagged,
      categories: Object.fromEntries(CATEGORIES.map((name) => [name, isOf(name)])),
      category_scores: Object.fromEntries(
        CATEGORIES.map((name) => [name, isOf(name) ? 0.98 : 0.01]),
      ),
      category_applied_input_types: Object.fromEntries(CATEGORIES.map((name) => [name, ['text']])),
    };
  });
  return createPlainAnswer(
    { id: `modr-mock${call.serial}`, model: call.model, results },
    { promptTokens: readPrompt([input], call.seed).tokens },
  );
}
