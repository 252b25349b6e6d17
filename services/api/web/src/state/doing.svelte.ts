// Does a deed: shows it at once, sends it, says what came of it, and offers the way back.
import type { Alert } from '../contract';
import { dayAndClock } from '../format/times';
import { whole } from '../format/numbers';
import { Problem, send } from '../net/http';
import { say } from '../words/index.svelte';
import { callOf, hope, wayBack, type Call, type Deed } from './deeds';
import { dialogs, type Question } from './dialogs.svelte';
import type { Item } from './item.svelte';
import { people } from './people.svelte';
import { places } from './places.svelte';
import { session } from './session.svelte';
import { toasts, type Choice } from './toasts.svelte';

/** Requests about one alert go one after the other: each builds on the answer to the last. */
const lines = new Map<string, Promise<unknown>>();

/** Resolves to whether it was done; never throws for what the server or the network says. */
export function act(item: Item, deed: Deed): Promise<boolean> {
  const turn = toasts.during((lines.get(item.id) ?? Promise.resolve()).then(() => perform(item, deed)));
  lines.set(item.id, turn);
  return turn;
}

async function perform(item: Item, deed: Deed, quiet = false): Promise<boolean> {
  const before = item.base;
  const me = people.me?.name ?? '';
  item.hoped = hope(before, deed, me, session.exactNow().toISOString());
  try {
    const after = await ask(item, callOf(deed), deed.type !== 'notes');
    if (!quiet) told(doneWords(deed), { text: say('undo'), run: () => void takeBack(item, wayBack(deed, before, after, me)) });
    return true;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    refused(error, before, item, deed);
    return false;
  } finally {
    item.hoped = null;
    session.store.arrange();
  }
}

/** Acknowledge several: one sentence for all of them. */
export async function acknowledgeAll(items: Item[]): Promise<void> {
  const waiting = items.filter((item) => !item.alert.acknowledged);
  const done = await Promise.all(waiting.map(async (item) => ((await perform(item, { type: 'acknowledge' }, true)) ? item : null)));
  const acked = done.filter((item) => item !== null);
  if (!acked.length) return;
  const undo = (): void => acked.forEach((item) => void takeBack(item, { method: 'DELETE', path: 'acknowledge' }, true));
  told(say('incident_acked', { n: acked.length }), { text: say('undo'), run: undo });
}

/** Undo an action of one's own, then or later. */
export async function takeBack(item: Item, call: Call, quiet = false): Promise<void> {
  try {
    await ask(item, call, !call.path.startsWith('notes'));
    if (!quiet) told(say('undone'));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (isAlert(error.body['alert'])) session.store.take([error.body['alert']], false);
    failed('not_undone', error);
  }
}

async function ask(item: Item, { method, path, body }: Call, guarded: boolean): Promise<Alert> {
  const headers: Record<string, string> = guarded ? { 'If-Match': `"${item.base.human_version ?? 0}"` } : {};
  const after = await send<Alert>(method, `v1/alerts/${encodeURIComponent(item.id)}/${path}`, body, headers);
  session.store.take([after], false);
  return after;
}

function refused(problem: Problem, before: Alert, item: Item, deed: Deed): void {
  const now = problem.body['alert'];
  if (problem.status === 422 && deed.type in ASKED) {
    return failed('not_done', problem, { text: say('change_it'), run: () => dialogs.ask(ASKED[deed.type] ?? 'notes', item, deed) });
  }
  if (problem.status !== 409 || !isAlert(now)) {
    return failed('not_done', problem, { text: say('try_again_action'), run: () => void act(item, deed) });
  }
  session.store.take([now], false);
  session.announcer.alarm(say('conflict'));
  toasts.show(say('conflict'), {
    lines: changes(before, now),
    choices: [{ text: say('conflict_anyway'), run: () => void act(item, deed) }],
    stays: true,
  });
}

/** Deeds with words in them: what was refused comes back into its form. */
const ASKED: Partial<Record<Deed['type'], Question>> = { notes: 'notes', label: 'label', silence: 'silence', end: 'end' };

function failed(key: 'not_done' | 'not_undone', problem: Problem, choice?: Choice): void {
  const text = say(key, { reason: (problem.status ? problem.message : say('no_answer_reason')).replace(/\.$/, '') });
  session.announcer.alarm(text);
  toasts.show(text, { choices: choice && problem.status !== 403 ? [choice] : [], stays: true });
}

function told(text: string, undo?: { text: string; run: () => void }): void {
  session.announcer.say(text);
  toasts.show(text, undo ? { choices: [{ ...undo, isUndo: true }] } : {});
}

function doneWords(deed: Deed): string {
  switch (deed.type) {
    case 'assign':
      return say('done_assign', { who: deed.to });
    case 'unassign':
      return say('done_assign', { who: say('assign_nobody') });
    case 'notes':
      return say('done_note');
    case 'label':
      return say('done_label', { label: say(deed.label) });
    case 'silence':
      return say('done_silence', { t: dayAndClock(new Date(deed.until), places.homeZone) });
    default:
      return say(`done_${deed.type}`);
  }
}

/** What differs between the alert that a person acted on and the alert as it now is. */
export function changes(before: Alert, now: Alert): string[] {
  const found: string[] = [];
  const [ack, assigned] = [now.acknowledged ?? null, now.assigned_to ?? null];
  if (ack?.by !== before.acknowledged?.by) found.push(ack ? say('changed_ack', { who: ack.by }) : say('changed_ack_gone'));
  if (assigned !== (before.assigned_to ?? null)) found.push(assigned ? say('changed_assigned', { who: assigned }) : say('changed_unassigned'));
  if ((now.label ?? null) !== (before.label ?? null)) found.push(now.label ? say('changed_label', { label: say(now.label) }) : say('changed_label_gone'));
  const known = new Set(before.notes?.map((note) => note.id));
  for (const note of now.notes ?? []) if (!known.has(note.id)) found.push(say('changed_note', { who: note.by, text: note.text }));
  if ((now.silenced_until ?? null) !== (before.silenced_until ?? null)) {
    const until = now.silenced_until;
    found.push(until ? say('changed_silence', { t: dayAndClock(new Date(until), places.homeZone) }) : say('changed_silence_gone'));
  }
  if (now.end_requested && !before.end_requested) found.push(say('changed_ended', { who: now.end_requested.by }));
  if (now.version !== before.version) found.push(say('changed_version', { o: whole(now.observed) }));
  return found;
}

function isAlert(value: unknown): value is Alert {
  return typeof value === 'object' && value !== null && 'id' in value && 'version' in value;
}
