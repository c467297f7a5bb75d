/** What a person can have done about what the screen shows. */
export type TopAction =
  | { readonly kind: 'drain' | 'resume'; readonly backend: string }
  | { readonly kind: 'cancel'; readonly request: string }
  /** `key`: its id or name. */
  | { readonly kind: 'suspend' | 'unsuspend'; readonly key: string };

/** The question that is asked before; names are still foreign text. */
export function questionOf(action: TopAction): string {
  switch (action.kind) {
    case 'drain':
      return `Send backend ${action.backend} no new requests?`;
    case 'resume':
      return `Send backend ${action.backend} requests again?`;
    case 'cancel':
      return `Cancel request ${action.request}?`;
    case 'suspend':
      return `Refuse key ${action.key} from now on?`;
    case 'unsuspend':
      return `Let key ${action.key} in again?`;
  }
}

/** What is said once it is done. */
export function reportOf(action: TopAction): string {
  switch (action.kind) {
    case 'drain':
      return `${action.backend} is drained`;
    case 'resume':
      return `${action.backend} takes requests again`;
    case 'cancel':
      return `request ${action.request} was cancelled`;
    case 'suspend':
      return `key ${action.key} is suspended`;
    case 'unsuspend':
      return `key ${action.key} works again`;
  }
}
