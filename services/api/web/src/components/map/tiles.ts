// Which tiles of an operator's choice lie under the map, in the plane's own units.
import type { Plane } from './shapes';

export interface Tile {
  href: string;
  x: number;
  y: number;
  size: number;
}

interface View {
  x: number;
  y: number;
  w: number;
  h: number;
}

const TILE_PX = 256;
const DEEPEST = 18;
const MOST = 80;

/** The tiles that a view of `px` pixels across shows, at the zoom whose tiles are drawn about as large as they are. */
export function tilesOf(url: string, { left, top, scale, margin }: Plane, view: View, px: number): Tile[] {
  const pxPerDegree = (scale * px) / view.w;
  let zoom = Math.max(0, Math.min(DEEPEST, Math.round(Math.log2((360 * pxPerDegree) / TILE_PX))));
  for (; zoom >= 0; zoom -= 1) {
    const degrees = 360 / 2 ** zoom;
    const column = (x: number): number => Math.floor(((x - margin) / scale + left + 180) / degrees);
    const row = (y: number): number => Math.floor(((y - margin) / scale + top + 180) / degrees);
    const [first, last, upper, lower] = [column(view.x), column(view.x + view.w), row(view.y), row(view.y + view.h)];
    if ((last - first + 1) * (lower - upper + 1) > MOST) continue;
    const found: Tile[] = [];
    for (let y = Math.max(0, upper); y <= Math.min(2 ** zoom - 1, lower); y += 1) {
      for (let x = first; x <= last; x += 1) {
        const around = ((x % 2 ** zoom) + 2 ** zoom) % 2 ** zoom;
        const href = url.replace('{z}', String(zoom)).replace('{x}', String(around)).replace('{y}', String(y));
        found.push({ href, x: margin + (x * degrees - 180 - left) * scale, y: margin + (y * degrees - 180 - top) * scale, size: degrees * scale });
      }
    }
    return found;
  }
  return [];
}
