// English: the other languages must have every key of this one.
import { actions } from './actions';
import { alertPage } from './alert';
import { basics } from './basics';
import { duty } from './duty';
import { explore } from './explore';
import { map } from './map';
import { replay } from './replay';
import { shell } from './shell';

export const table = { ...basics, ...actions, ...shell, ...map, ...alertPage, ...duty, ...explore, ...replay };
export type Key = keyof typeof table;
