// A phrase is text with {places}, or one text per plural form of {n}.
import type { Key } from './en';

export type Phrase = string | { one: string; many?: string; other: string };
/** Another language's words for the same keys. */
export type Like<English> = { readonly [K in keyof English]: Phrase };
export type Table = { readonly [K in Key]: Phrase };
