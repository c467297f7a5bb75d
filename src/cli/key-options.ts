import { type Command, Option } from 'commander';
import { ENDPOINTS } from '../core/call.ts';
import {
  parseBudget,
  parseContentMode,
  parseCount,
  parseEndpoints,
  parseExpiry,
  parseModels,
  parseTag,
  parseTokenBudget,
} from './key-flags.ts';

/** The flags that say what a key may do. `create` and `update` share them. */
export function addKeyOptions(command: Command): Command {
  return command
    .option('--user <user>', 'who uses the key')
    .option('--team <team>', 'the team of that user')
    .option('--tenant <tenant>', 'the tenant of that team')
    .option('--models <patterns>', 'models it may use, such as llama-3.3-70b,qwen*', parseModels)
    .addOption(
      new Option('--endpoints <list>', `endpoints it may use: ${ENDPOINTS.join(', ')}`).argParser(
        parseEndpoints,
      ),
    )
    .option('--expires <when>', 'a duration from now (90d) or a day (2027-01-31)', parseExpiry)
    .option('--rpm <n>', 'requests per minute', parseCount)
    .option('--tpm <n>', 'tokens per minute', parseCount)
    .option('--concurrency <n>', 'requests at once', parseCount)
    .option('--max-output-tokens <n>', 'the longest answer', parseCount)
    .option('--budget <usd/window>', 'dollars per hour, day, week, month or total', parseBudget)
    .option('--token-budget <n/window>', 'input and output tokens', parseTokenBudget)
    .option('--tag <name=value>', 'a label for reports; may be repeated', parseTag)
    .option(
      '--content <mode>',
      'what is kept of prompts and answers: off, redacted, full',
      parseContentMode,
    );
}
