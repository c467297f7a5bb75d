import { OperationError } from './operation-error.ts';
import type { Operations } from './operations.ts';

/**
 * The operations as they are offered over a network. Refused here and not by path, so that no way
 * of writing a path leads around it.
 */
export function limitOperations(operations: Operations, role: 'admin' | 'viewer'): Operations {
  const { content } = operations;
  return {
    ...operations,
    backups: {
      create: () =>
        refuse('a backup is a file on the machine of the gateway: make it there, over the socket'),
    },
    content: {
      ...content,
      show: (requestId) =>
        role === 'admin'
          ? content.show(requestId)
          : refuse('captured prompts and answers need a key with the role "admin"'),
    },
  };
}

function refuse(message: string): Promise<never> {
  return Promise.reject(new OperationError('not_allowed', message));
}
