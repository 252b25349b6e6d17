// Which question is open, about which alert. One dialog for the whole page, so that five hundred cards stay light.
import { appearance } from './appearance.svelte';
import { act } from './doing.svelte';
import type { Deed } from './deeds';
import type { Item } from './item.svelte';
import { people } from './people.svelte';

export type Question = 'assign' | 'notes' | 'label' | 'silence' | 'end';

export interface Asked {
  question: Question;
  item: Item;
  /** What was written before and refused. */
  draft: Deed | null;
}

class Dialogs {
  asked = $state.raw<Asked | null>(null);

  ask(question: Question, item: Item, draft: Deed | null = null): void {
    if (people.canAct) this.asked = { question, item, draft };
  }

  /** The letters that act on an alert. Whether it was one of them. */
  letter(key: string, item: Item): boolean {
    const question = QUESTIONS[key];
    if (key === 'a' && people.canAct) {
      if (!item.alert.acknowledged) void act(item, { type: 'acknowledge' });
    } else if (question) this.ask(question, item);
    else if (key === 't') item.asTable = !item.asTable;
    else if (key === 'd') item.expanded = !item.expanded;
    else return false;
    return true;
  }
}

const QUESTIONS: Record<string, Question> = { i: 'assign', n: 'notes', l: 'label', s: 'silence', e: 'end' };

/** The letter beside a button, while letters are keys. */
export function hint(letter: string): string {
  return appearance.letterKeys ? letter : '';
}

export const dialogs = new Dialogs();
