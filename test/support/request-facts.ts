import type { RequestFacts } from '../../src/routing/plan.ts';

interface SomeFacts extends Partial<Omit<RequestFacts, 'header' | 'parameter' | 'localTime'>> {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Readonly<Record<string, string>>;
  /** `5 13:30` is Friday at half past one. */
  readonly time?: string;
}

/** A request as routing sees it. `asked` is everything that was looked up. */
export function requestFacts(some: SomeFacts = {}): RequestFacts & { readonly asked: string[] } {
  const { headers = {}, body = {}, time = '1 12:00', ...facts } = some;
  const asked: string[] = [];
  return {
    keyId: 'key1',
    keyName: 'a key',
    user: null,
    team: null,
    tenant: null,
    tags: {},
    endpoint: 'chat',
    stream: false,
    inputTokens: 100,
    ...facts,
    asked,
    header(name) {
      asked.push(`header ${name}`);
      return headers[name] ?? null;
    },
    parameter(name) {
      asked.push(`parameter ${name}`);
      return body[name] ?? null;
    },
    localTime() {
      asked.push('time');
      const [, weekday, hour, minute] = /^(\d) (\d+):(\d+)$/.exec(time) ?? [];
      return { weekday: Number(weekday), minute: Number(hour) * 60 + Number(minute) };
    },
  };
}
