// The words of one part of the page, in three languages that must have the same keys.
export type Phrase = string | { one: string; many?: string; other: string };
export type Texts<Key extends string> = { readonly [K in Key]: Phrase };

export interface Topic<Key extends string> {
  en: Texts<Key>;
  fr: Texts<Key>;
  es: Texts<Key>;
}

/** Checks at compile time that no language lacks a key. */
export function topic<Key extends string>(en: Texts<Key>, fr: Texts<NoInfer<Key>>, es: Texts<NoInfer<Key>>): Topic<Key> {
  return { en, fr, es };
}
