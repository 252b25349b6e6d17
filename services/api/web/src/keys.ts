// Single-letter keys. They act only while the focus is in the list, never inside a field, never with a modifier.
export interface ListKeys {
  letters: () => boolean;
  step: (by: 1 | -1) => void;
  open: () => void;
  table: () => void;
  showPending: () => void;
  back: () => void;
  help: () => void;
}

/** An attachment for the element that holds the list. */
export function listKeys(keys: ListKeys): (root: HTMLElement) => () => void {
  return (root) => {
    const pressed = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
      if (isField(event.target) || event.isComposing) return;
      const act = ARROWS[event.key] ?? (keys.letters() ? LETTERS[event.key] : undefined);
      if (!act) return;
      if (event.key === 'Enter' && !isCard(event.target)) return; // a button keeps its own Enter
      event.preventDefault();
      act(keys);
    };
    root.addEventListener('keydown', pressed);
    return () => root.removeEventListener('keydown', pressed);
  };
}

type Act = (keys: ListKeys) => void;

const ARROWS: Record<string, Act> = {
  ArrowDown: (keys) => keys.step(1),
  ArrowUp: (keys) => keys.step(-1),
  Enter: (keys) => keys.open(),
  Escape: (keys) => keys.back(),
};

const LETTERS: Record<string, Act> = {
  j: (keys) => keys.step(1),
  k: (keys) => keys.step(-1),
  t: (keys) => keys.table(),
  '.': (keys) => keys.showPending(),
  '?': (keys) => keys.help(),
};

function isField(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName));
}

function isCard(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.dataset['card'] !== undefined;
}
