// The language in force and every text of the page in it. Reading `language.now` inside a component makes it follow a switch.
import type { Language, Words } from '../contract';
import { numberFormat, pluralRules } from '../format/intl';
import { table as en, type Key } from './en';
import type { Phrase, Table } from './phrase';

export type { Key } from './en';

/** English is there from the start; the others are chunks of their own, fetched when they are wanted. */
const TABLES: Partial<Record<Language, Table>> & { en: Table } = { en };
const FETCH: Record<Exclude<Language, 'en'>, () => Promise<{ table: Table | Phrase[] }>> = {
  fr: () => import('./fr'),
  es: () => import('./es'),
};
const LOCALES: Record<Language, string> = { en: 'en-US', fr: 'fr-CA', es: 'es-US' };
export const LANGUAGES: Language[] = ['en', 'fr', 'es'];
const STORED = 'gs-language';

class CurrentLanguage {
  now = $state<Language>('en');
  locale = $derived(LOCALES[this.now]);

  /** The language of an earlier visit, else the browser's; English until its words are here. */
  start(): Promise<void> {
    return this.#use(firstChoice());
  }

  async choose(language: Language): Promise<void> {
    localStorage.setItem(STORED, language);
    await this.#use(language);
  }

  /** Without an answer the page stays in the language that it has. */
  async #use(language: Language): Promise<void> {
    if (language !== 'en') TABLES[language] ??= named((await FETCH[language]().catch(() => null))?.table);
    if (TABLES[language]) this.now = language;
  }
}

/** As built, another language comes as a row in the order of the English keys. */
function named(table: Table | Phrase[] | undefined): Table | undefined {
  return Array.isArray(table) ? (Object.fromEntries(Object.keys(en).map((key, index) => [key, table[index]])) as Table) : table;
}

function firstChoice(): Language {
  const wanted = [localStorage.getItem(STORED), ...navigator.languages].map((tag) => tag?.slice(0, 2));
  return LANGUAGES.find((language) => language === wanted.find((tag) => tag && LANGUAGES.some((one) => one === tag))) ?? 'en';
}

export const language = new CurrentLanguage();

/** The phrase with its {places} filled; `n` chooses the plural form. Numbers must come formatted, except `n`. */
export function say(key: Key, values: Record<string, string | number> = {}): string {
  const phrase: Phrase = (TABLES[language.now] ?? en)[key];
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
