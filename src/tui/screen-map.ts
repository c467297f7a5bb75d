import { backendsScreen } from './screens/backends.ts';
import { keysScreen, teamsScreen, usersScreen } from './screens/callers.ts';
import { gpusScreen } from './screens/gpus.ts';
import { logScreen } from './screens/log.ts';
import { modelsScreen } from './screens/models.ts';
import { requestsScreen } from './screens/requests.ts';
import type { ScreenName } from './state.ts';
import type { TableScreen } from './table-screen.ts';

/** Every screen that is a table; the overview is none. */
export const TABLE_SCREENS: Readonly<Record<Exclude<ScreenName, 'overview'>, TableScreen>> = {
  models: modelsScreen,
  backends: backendsScreen,
  keys: keysScreen,
  users: usersScreen,
  teams: teamsScreen,
  gpus: gpusScreen,
  requests: requestsScreen,
  log: logScreen,
};

export function findTable(screen: ScreenName): TableScreen | undefined {
  return screen === 'overview' ? undefined : TABLE_SCREENS[screen];
}
