// The parts of a rise as two trees: which areas, and which needs, make it up.
import type { Alert, Driver } from '../../contract';
import { above, places } from '../../state/places.svelte';

export interface Branch {
  key: string;
  name: string;
  driver: Driver;
  /** Its part of the alert's excess, 0 to 1 (a part may be larger than the whole when others fell). */
  share: number;
  below: Branch[];
}

const excess = ({ observed, expected }: { observed: number; expected: number }): number => observed - expected;

export function trees(alert: Alert): { areas: Branch[]; needs: Branch[] } {
  const areas: Driver[] = alert.drivers.filter((driver) => driver.need === alert.need);
  const needs: Driver[] = alert.drivers.filter((driver) => driver.need !== alert.need && driver.area === alert.area);
  const mixed = alert.drivers.filter((driver) => driver.need !== alert.need && driver.area !== alert.area);
  const total = excess(alert) || 1;
  const branch = (driver: Driver, name: string): Branch => ({
    key: `${driver.need} ${driver.area}`,
    name,
    driver,
    share: Math.max(0, Math.min(1, excess(driver) / total)),
    below: [],
  });
  const byArea = areas.map((driver) => branch(driver, places.areaName(driver.area)));
  const byNeed = needs.map((driver) => branch(driver, places.needName(driver.need)));
  const rootsOfAreas = nest(byArea, (one) => above(places.areas, one.driver.area).slice(1).map((area) => area.code), (one) => one.driver.area);
  const rootsOfNeeds = nest(byNeed, (one) => above(places.needs, one.driver.need).slice(1).map((need) => need.code), (one) => one.driver.need);
  for (const driver of mixed) {
    const one = branch(driver, `${places.needName(driver.need)}, ${places.areaName(driver.area)}`);
    const home = byArea.find((area) => area.driver.area === driver.area);
    if (home) home.below.push({ ...one, name: places.needName(driver.need) });
    else rootsOfNeeds.push(one);
  }
  return { areas: sorted(rootsOfAreas), needs: sorted(rootsOfNeeds) };
}

/** Put each branch below its nearest ancestor among them; what is left are the roots. */
function nest(branches: Branch[], ancestors: (branch: Branch) => string[], code: (branch: Branch) => string): Branch[] {
  const byCode = new Map(branches.map((branch) => [code(branch), branch]));
  return branches.filter((branch) => {
    const home = ancestors(branch).map((ancestor) => byCode.get(ancestor)).find(Boolean); // prettier-ignore
    home?.below.push(branch);
    return !home;
  });
}

function sorted(branches: Branch[]): Branch[] {
  for (const branch of branches) sorted(branch.below);
  return branches.sort((a, b) => Math.abs(excess(b.driver)) - Math.abs(excess(a.driver)));
}
