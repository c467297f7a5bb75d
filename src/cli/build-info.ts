import { version } from '../../package.json' with { type: 'json' };

export const VERSION: string = version;

// Put in by the build (`bun build --define`); undeclared when run from source.
declare const LLMGATE_BUILD_COMMIT: string;
declare const LLMGATE_BUILD_TARGET: string;
declare const LLMGATE_BUILD_TIME: string;

/** What this executable was made of. `commit` and `builtAt` are null when run from source. */
export const BUILD_INFO = {
  version: VERSION,
  commit: typeof LLMGATE_BUILD_COMMIT === 'string' ? LLMGATE_BUILD_COMMIT : null,
  target:
    typeof LLMGATE_BUILD_TARGET === 'string'
      ? LLMGATE_BUILD_TARGET
      : `${process.platform}-${process.arch}`,
  builtAt: typeof LLMGATE_BUILD_TIME === 'string' ? LLMGATE_BUILD_TIME : null,
} as const;
