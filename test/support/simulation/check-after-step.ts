import { BUDGET_SCOPES } from '../../../src/pricing/budget-rule.ts';
import type { OpenRow } from '../../../src/store/rows.ts';
import type { VendorRequest } from './fake-vendor.ts';
import type { Known } from './known.ts';
import { naiveHold } from './naive-money.ts';
import type { Plant } from './plant.ts';
import { CONTEXT_TOKENS, MODEL_MAX_TOKENS, SUBJECTS, UNBOUNDED_TOKENS } from './scene.ts';

/** What holds at every moment. */
export function checkAfterStep(plant: Plant): void {
  if (!plant.isUp) return;
  checkStandings(plant);
  checkHolds(plant);
  checkEverySending(plant);
  const stats = plant.budgets.stats();
  if (stats.overruns !== plant.overruns) {
    plant.fail(`${plant.overruns} overruns, ${stats.overruns} were counted`);
  }
}

/** Every budget stands where adding up all requests says that it stands. */
function checkStandings(plant: Plant): void {
  const { budgets, naive, scene } = plant;
  naive.advance(plant.clock.nowMs());
  for (const per of BUDGET_SCOPES) {
    for (const subject of SUBJECTS[per]) {
      const key = per === 'key' ? scene.keys.find((of) => of.key.id === subject)?.key : undefined;
      const real = budgets.standing(per, subject, key).map(({ target, limit, spent, held }) => ({
        ...{ per, subject, measure: target.measure, window: target.window },
        ...{ limit, spent, held },
      }));
      const expected = naive
        .standings(per, subject, key ?? null)
        .map(({ measure, window, limit, spent, held }) => ({
          ...{ per, subject, measure, window, limit, spent, held },
        }));
      const [is, should] = [inOrder(real), inOrder(expected)];
      if (is !== should) plant.fail(`a budget stands at\n  ${is}, and should at\n  ${should}`);
    }
  }
}

function inOrder(standings: readonly object[]): string {
  return standings
    .map((standing) => JSON.stringify(standing))
    .sort()
    .join('\n  ');
}

const checked = new WeakSet<Known | VendorRequest>();

/** Whoever was sent to a vendor was held for as much as it can cost there. */
function checkHolds(plant: Plant): void {
  for (const known of plant.known.values()) {
    const { open, entry, asked } = known;
    const [first] = asked;
    if (first === undefined || open === null || entry === null || checked.has(known)) continue;
    checked.add(known);
    const { heldUsd, heldTokens, roomUsd, roomTokens } = entry;
    if (open.holdNanoUsd !== heldUsd) plant.fail(`the open row of ${known.id} has another hold`);
    const most = mostTokens(plant, first, open);
    const input = open.inputTokensEstimate;
    const gpuUs = plant.scene.totalMs * 1_000;
    const holdOf = (prices: Known['plans'][number], tokens: number) =>
      naiveHold({ inputTokens: input, outputTokens: tokens * first.choices, gpuUs }, prices);
    const held = known.plans.filter((prices) => heldUsd === holdOf(prices, most));
    if (held.length === 0 || heldTokens !== input + most * first.choices) {
      plant.fail(
        `${known.id} holds ${heldUsd} and ${heldTokens} tokens for one of ` +
          `${known.plans.map((prices) => holdOf(prices, most))} and ` +
          `${input + most * first.choices} (${open.model}, ${most} × ${first.choices})`,
      );
    }
    if (heldTokens >= known.wantedTokens) continue;
    // It was shrunk, so one token more would not have fitted.
    const isTight =
      input + (most + 1) * first.choices > roomTokens ||
      held.some((prices) => holdOf(prices, most + 1) > roomUsd);
    if (!isTight) plant.fail(`${known.id} was shrunk to ${most}, and more would have fitted`);
  }
}

/** Whoever it is sent to, now or later, what it can cost there is held. */
function checkEverySending(plant: Plant): void {
  for (const { open, entry, asked } of plant.known.values()) {
    if (open === null || entry === null) continue;
    for (const sent of asked) {
      if (checked.has(sent)) continue;
      checked.add(sent);
      const worst = {
        inputTokens: open.inputTokensEstimate,
        outputTokens: mostTokens(plant, sent, open) * sent.choices,
        gpuUs: plant.scene.totalMs * 1_000,
      };
      const most = naiveHold(worst, [sent.target.price]);
      if (most > entry.heldUsd) {
        plant.fail(`${sent.id} can cost ${most} at ${sent.target.backend}, held ${entry.heldUsd}`);
      }
    }
  }
}

/** Output of one choice at most, of what the vendor was told and what everybody knows. */
function mostTokens({ scene }: Plant, first: VendorRequest, open: OpenRow): number {
  if (open.endpoint === 'embeddings') return 0;
  const key = scene.keys.find((of) => of.key.id === open.keyId)?.key;
  const { maxTokens } = first;
  return Math.min(
    CONTEXT_TOKENS,
    maxTokens ?? UNBOUNDED_TOKENS,
    open.model === 'free' ? UNBOUNDED_TOKENS : MODEL_MAX_TOKENS,
    key?.limits.maxOutputTokens ?? UNBOUNDED_TOKENS,
  );
}
