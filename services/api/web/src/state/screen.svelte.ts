import { MediaQuery } from 'svelte/reactivity';

/** Whether the screen is a phone's. */
export const phone = new MediaQuery('(max-width: 40rem)');
/** Wide enough for a map beside the list. */
export const wall = new MediaQuery('(min-width: 100rem)');
