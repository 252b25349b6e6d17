// The language in force and every text of the page in it. Reading `language.now` inside a component makes it follow a switch.
import type { Language, Words } from '../contract';
import { numberFormat, pluralRules } from '../format/intl';
import { actions } from './actions';
import { alertPage } from './alert';
import { duty } from './duty';
import { en } from './en';
import { es } from './es';
import { fr } from './fr';
import { shell } from './shell';
import { explore } from './explore';
import { map } from './map';
import type { Phrase } from './topic';

type Basics = typeof en;
export type Table = { readonly [K in keyof Basics]: Basics[K] extends string ? string : Phrase };
export type Key = keyof Basics | keyof (typeof actions)['en'] | keyof (typeof shell)['en'] | keyof (typeof map)['en'] | keyof (typeof alertPage)['en'] | keyof (typeof duty)['en'] | keyof (typeof explore)['en'];
type Whole = { readonly [K in Key]: Phrase };

const TABLES: Record<Language, Whole> = {
  en: { ...en, ...actions.en, ...shell.en, ...map.en, ...alertPage.en, ...duty.en, ...explore.en },
  fr: { ...fr, ...actions.fr, ...shell.fr, ...map.fr, ...alertPage.fr, ...duty.fr, ...explore.fr },
  es: { ...es, ...actions.es, ...shell.es, ...map.es, ...alertPage.es, ...duty.es, ...explore.es },
};
const LOCALES: Record<Language, string> = { en: 'en-US', fr: 'fr-CA', es: 'es-US' };
export const LANGUAGES = Object.keys(TABLES) as Language[];
const STORED = 'gs-language';

class CurrentLanguage {
  now = $state<Language>(firstChoice());
  locale = $derived(LOCALES[this.now]);

  choose(language: Language): void {
    this.now = language;
    localStorage.setItem(STORED, language);
  }
}

function firstChoice(): Language {
  const wanted = [localStorage.getItem(STORED), ...navigator.languages].map((tag) => tag?.slice(0, 2));
  return LANGUAGES.find((language) => language === wanted.find((tag) => tag && tag in TABLES)) ?? 'en';
}

export const language = new CurrentLanguage();

/** The phrase with its {places} filled; `n` chooses the plural form. Numbers must come formatted, except `n`. */
export function say(key: Key, values: Record<string, string | number> = {}): string {
  const phrase: Phrase = TABLES[language.now][key];
  const text = typeof phrase === 'string' ? phrase : plural(phrase, Number(values['n'] ?? 0));
  return text.replace(/\{(\w+)\}/g, (place, name: string) => {
    const value = values[name];
    if (value === undefined) return place;
    return typeof value === 'number' ? numberFormat(language.locale).format(value) : value;
  });
}

function plural(phrase: Exclude<Phrase, string>, n: number): string {
  const form = pluralRules(language.locale).select(n);
  return form === 'one' || form === 'many' ? (phrase[form] ?? phrase.other) : phrase.other;
}

export function isKey(name: string): name is Key {
  return name in TABLES.en;
}

/** A text that the server sends in three languages. */
export function inLanguage(words: Words | null | undefined): string {
  return words?.[language.now] ?? words?.en ?? '';
}
