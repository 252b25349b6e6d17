// What a person can do to an alert: the request, what the card shows at once, and the way back.
import type { Alert, HumanSide, Label, Scope } from '../contract';

export type Deed =
  | { type: 'acknowledge' }
  | { type: 'assign'; to: string }
  | { type: 'unassign' }
  | { type: 'notes'; text: string }
  | { type: 'label'; label: Label; comment?: string | undefined }
  | { type: 'silence'; scope: Scope; until: string; reason: string }
  | { type: 'end'; reason: string };

export interface Call {
  method: 'POST' | 'DELETE';
  path: string;
  body?: unknown;
}

export function callOf(deed: Deed): Call {
  if (deed.type === 'unassign') return { method: 'DELETE', path: 'assign' };
  const { type, ...body } = deed;
  return { method: 'POST', path: type, body };
}

/** The human side as it will be if the server agrees. */
export function hope(alert: Alert, deed: Deed, by: string, at: string): HumanSide {
  switch (deed.type) {
    case 'acknowledge':
      return { acknowledged: { by, at } };
    case 'assign':
      return { assigned_to: deed.to };
    case 'unassign':
      return { assigned_to: null };
    case 'notes':
      return { notes: [...(alert.notes ?? []), { id: -1, by, at, text: deed.text }] };
    case 'label':
      return { label: deed.label, labelled: { by, at, comment: deed.comment ?? null } };
    case 'silence':
      return { silenced_until: deed.until };
    case 'end':
      return { end_requested: { by, at, reason: deed.reason } };
  }
}

/** The request that takes a deed back, given the alert before it and after it. */
export function wayBack(deed: Deed, before: Alert, after: Alert, me: string): Call {
  switch (deed.type) {
    case 'assign':
    case 'unassign':
      return before.assigned_to ? { method: 'POST', path: 'assign', body: { to: before.assigned_to } } : { method: 'DELETE', path: 'assign' };
    case 'label':
      if (!before.label) return { method: 'DELETE', path: 'label' };
      return { method: 'POST', path: 'label', body: { label: before.label, comment: before.labelled?.comment ?? undefined } };
    case 'notes': {
      const mine = after.notes?.findLast((note) => note.by === me);
      return { method: 'DELETE', path: mine ? `notes?note=${mine.id}` : 'notes' };
    }
    default:
      return { method: 'DELETE', path: deed.type };
  }
}
