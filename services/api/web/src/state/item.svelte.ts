import type { Alert, HumanSide, Severity } from '../contract';
import { rankOf, type Rank } from '../format/order';

const NONE = {} as Alert;

/** One alert on the page. A new version replaces `base`; what the person opened stays open. */
export class Item {
  readonly id: string;
  /** As the server last said. */
  base = $state.raw<Alert>(NONE);
  /** What the person did and the server has not yet answered. */
  hoped = $state.raw<HumanSide | null>(null);
  alert: Alert = $derived(this.hoped ? { ...this.base, ...this.hoped } : this.base);
  was = $state.raw<{ severity: Severity; until: string } | null>(null);
  expanded = $state(false);
  asTable = $state(false);
  arrived = $state(false);
  /** The worst of its incident: shown whole. */
  lead = $state(true);
  placedAs: Severity;
  /** Its place among others, kept while it is about the same. */
  rank: Rank;

  constructor(alert: Alert, arrived: boolean) {
    this.id = alert.id;
    this.base = alert;
    this.arrived = arrived;
    this.placedAs = alert.severity;
    this.rank = rankOf(alert);
  }

  get ended(): boolean {
    return this.base.status === 'ended';
  }

  silencedAt(now: Date): boolean {
    return isSilenced(this.base, now);
  }

  /** Whether it was newer than what is shown. */
  take(next: Alert): boolean {
    const { version, human_version: human = 0, severity } = this.base;
    const nextHuman = next.human_version ?? 0;
    if (next.version < version || nextHuman < human) return false;
    if (next.version === version && nextHuman === human && !differsAside(next, this.base)) return false;
    if (next.severity !== severity) this.was = { severity, until: next.updated_at };
    this.rank = rankOf(next, this.rank);
    this.base = next;
    return true;
  }
}

export function isSilenced({ silenced_until: until }: HumanSide, now: Date): boolean {
  return Boolean(until) && Date.parse(until ?? '') > now.getTime();
}

/** A silence made from another alert, or a declared event, changes an alert without an action on it. */
function differsAside(a: HumanSide, b: HumanSide): boolean {
  return (a.silenced_until ?? null) !== (b.silenced_until ?? null) || String(a.events ?? '') !== String(b.events ?? '');
}
