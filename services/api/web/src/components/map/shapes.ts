// From longitude and latitude to a plane of a thousand units across: Web Mercator, with points dropped that nobody could see.
import type { Area } from '../../state/places.svelte';

export interface Shape {
  area: Area;
  /** Its outline; a circle for an area that is only a point. */
  path: string;
  x: number;
  y: number;
}

export interface Plane {
  shapes: Shape[];
  width: number;
  height: number;
  /** Where the plane lies: degrees at its upper left, units a degree, units around. */
  left: number;
  top: number;
  scale: number;
  margin: number;
}

type Point = [number, number];
const WIDTH = 1000;
const MARGIN = 40;
const CLOSE = 0.7;

/** What is coloured: the areas that have none below them and a place on the map. */
export function plane(areas: ReadonlyMap<string, Area>): Plane {
  const parents = new Set([...areas.values()].map((area) => area.parent));
  const leaves = [...areas.values()].filter((area) => !parents.has(area.code) && area.geometry !== null);
  const rings = new Map(leaves.map((area) => [area, ringsOf(area).map((ring) => ring.map(project))]));
  const all = [...rings.values()].flat(2);
  if (!all.length) return { shapes: [], width: WIDTH, height: 0, left: 0, top: 0, scale: 1, margin: MARGIN };
  const [left, right] = extent(all.map(([x]) => x));
  const [top, bottom] = extent(all.map(([, y]) => y));
  const scale = (WIDTH - 2 * MARGIN) / Math.max(right - left, (bottom - top) * 0.8, 1e-9);
  const place = ([x, y]: Point): Point => [MARGIN + (x - left) * scale, MARGIN + (y - top) * scale];
  const height = Math.max(200, (bottom - top) * scale + 2 * MARGIN);
  const width = Math.max(400, (right - left) * scale + 2 * MARGIN);
  const drawn = leaves.map((area): Shape => {
    const own = (rings.get(area) ?? []).map((ring) => ring.map(place));
    const [x, y] = middle(own.reduce((a, b) => (b.length > a.length ? b : a), [] as Point[]));
    const isPoint = own.length === 1 && own[0]?.length === 1;
    return { area, path: isPoint ? '' : own.map(outline).join(''), x, y };
  });
  const points = drawn.filter((shape) => !shape.path);
  const r = radius(points);
  for (const shape of points) shape.path = `M${shape.x - r} ${shape.y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`;
  return { shapes: drawn, width, height, left, top, scale, margin: MARGIN };
}

function ringsOf({ geometry }: Area): Point[][] {
  if (!geometry) return [];
  if (geometry.type === 'Point') return [[geometry.coordinates as Point]];
  if (geometry.type === 'Polygon') return geometry.coordinates as Point[][];
  return geometry.type === 'MultiPolygon' ? (geometry.coordinates as Point[][][]).flat() : [];
}

function project([longitude, latitude]: Point): Point {
  const clamped = Math.max(-85, Math.min(85, latitude));
  return [longitude, (-Math.log(Math.tan(Math.PI / 4 + (clamped * Math.PI) / 360)) * 180) / Math.PI];
}

function outline(ring: Point[]): string {
  let last: Point = [Infinity, Infinity];
  const kept = ring.filter((point, index) => {
    const far = Math.abs(point[0] - last[0]) + Math.abs(point[1] - last[1]) > CLOSE;
    if (!far && index < ring.length - 1) return false;
    last = point;
    return true;
  });
  return `M${kept.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join('L')}Z`;
}

/** Circles as large as fit: half the usual distance to the nearest neighbour. */
function radius(points: Shape[]): number {
  if (points.length < 2) return 30;
  const nearest = points.map((one) => Math.min(...points.filter((other) => other !== one).map((other) => Math.hypot(one.x - other.x, one.y - other.y))));
  const typical = nearest.sort((a, b) => a - b)[Math.floor(nearest.length / 2)] ?? 30;
  return Math.max(6, Math.min(36, typical * 0.46));
}

function middle(points: Point[]): Point {
  const n = points.length || 1;
  return [points.reduce((sum, [x]) => sum + x, 0) / n, points.reduce((sum, [, y]) => sum + y, 0) / n];
}

function extent(values: number[]): [number, number] {
  return values.reduce(([low, high], value): [number, number] => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity] as [number, number]);
}
