/** Without case and accents, so that "evenement" finds "Événement". */
export function plain(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
}
