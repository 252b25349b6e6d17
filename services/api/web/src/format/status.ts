// The word for where an alert stands: what a fall, a rule of the plan and a rise do is not the same.
import type { Alert } from '../contract';
import type { Key } from '../words/index.svelte';

export type Standing = 'rising' | 'falling' | 'easing' | 'ended' | 'rule_met' | 'rule_not_met';

export function standing({ kind, status }: Pick<Alert, 'kind' | 'status'>): Standing & Key {
  if (status === 'ended') return 'ended';
  if (kind === 'trigger') return status === 'rising' ? 'rule_met' : 'rule_not_met';
  return kind === 'drop' && status === 'rising' ? 'falling' : status;
}
