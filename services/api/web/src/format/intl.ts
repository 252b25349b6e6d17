// Intl's formatters are dear to make and cheap to use: each is made once per locale and options.
const made = new Map<string, unknown>();

function cached<F>(kind: string, locale: string, options: object, make: () => F): F {
  const key = `${kind} ${locale} ${JSON.stringify(options)}`;
  let found = made.get(key) as F | undefined;
  if (!found) {
    found = make();
    made.set(key, found);
  }
  return found;
}

export function numberFormat(locale: string, options: Intl.NumberFormatOptions = {}): Intl.NumberFormat {
  return cached('number', locale, options, () => new Intl.NumberFormat(locale, options));
}

export function dateFormat(locale: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  return cached('date', locale, options, () => new Intl.DateTimeFormat(locale, options));
}

export function relativeFormat(locale: string): Intl.RelativeTimeFormat {
  return cached('relative', locale, {}, () => new Intl.RelativeTimeFormat(locale, { style: 'short' }));
}

export function pluralRules(locale: string): Intl.PluralRules {
  return cached('plural', locale, {}, () => new Intl.PluralRules(locale));
}
