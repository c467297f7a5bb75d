import type { LogOperations } from './log-operations.ts';
import { LogLevelsView } from './log-schemas.ts';
import type { Send } from './remote-operations.ts';

export function createRemoteLog(send: Send): LogOperations {
  const path = '/log/levels';
  return {
    levels: () => send({ method: 'GET', path, answer: LogLevelsView }),
    setLevels: (body) => send({ method: 'PATCH', path, body, answer: LogLevelsView }),
  };
}
