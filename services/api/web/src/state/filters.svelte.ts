// Which open alerts the list shows: all of it in the address, so that a filtered list can be sent to someone.
import type { Alert, Severity } from '../contract';
import { atLeast, SEVERITIES } from '../format/order';
import { route } from '../router.svelte';
import { people } from './people.svelte';
import { places } from './places.svelte';

class Filters {
  #of = (name: string): string => (route.view === 'now' ? (route.params.get(name) ?? '') : '');
  need = $derived(this.#of('need'));
  area = $derived(this.#of('area'));
  severity = $derived(SEVERITIES.find((one) => one === this.#of('severity')) ?? '');
  status = $derived(this.#of('status'));
  mine = $derived(this.#of('mine') === '1');
  /** Whether silenced alerts are shown for now. */
  silenced = $derived(this.#of('silenced') === '1');
  any = $derived(Boolean(this.need || this.area || this.severity || this.status || this.mine));

  matches(alert: Alert): boolean {
    if (this.severity && !atLeast(alert.severity, this.severity as Severity)) return false;
    if (this.status === 'waiting' && alert.acknowledged) return false;
    if ((this.status === 'rising' || this.status === 'easing') && alert.status !== this.status) return false;
    if (this.mine && (!people.me || alert.assigned_to !== people.me.name)) return false;
    if (this.need && !places.isNeedBelow(alert.need, this.need)) return false;
    return !this.area || places.isAreaBelow(alert.area, this.area);
  }

  clear(): void {
    route.set({ need: null, area: null, severity: null, status: null, mine: null });
  }
}

export const filters = new Filters();
