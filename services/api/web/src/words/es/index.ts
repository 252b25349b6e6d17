// Spanish (United States).
import { actions } from './actions';
import { alertPage } from './alert';
import { basics } from './basics';
import { duty } from './duty';
import { explore } from './explore';
import { map } from './map';
import { replay } from './replay';
import { shell } from './shell';
import type { Table } from '../phrase';

export const table: Table = { ...basics, ...actions, ...shell, ...map, ...alertPage, ...duty, ...explore, ...replay };
