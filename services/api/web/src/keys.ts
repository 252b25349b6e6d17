// Single-letter keys. Those that act on an alert work only while the focus is on or in one; those that go somewhere
// work anywhere outside a field. Never with a modifier, and all letters can be switched off.
export interface ListKeys {
  letters: () => boolean;
  step: (by: 1 | -1) => void;
  open: () => void;
  back: () => void;
  /** A letter that means something for the current alert; false: not one of them. */
  letter: (key: string) => boolean;
}

/** An attachment for the element that holds the list. */
export function listKeys(keys: ListKeys): (root: HTMLElement) => () => void {
  return (root) => {
    const pressed = (event: KeyboardEvent): void => {
      if (!isPlain(event)) return;
      if (event.key === 'Enter' && !isCard(event.target)) return; // a button keeps its own Enter
      const arrow = ARROWS[event.key];
      if (arrow) arrow(keys);
      else if (!keys.letters() || !keys.letter(event.key)) return;
      event.preventDefault();
    };
    root.addEventListener('keydown', pressed);
    return () => root.removeEventListener('keydown', pressed);
  };
}

const ARROWS: Record<string, (keys: ListKeys) => void> = {
  ArrowDown: (keys) => keys.step(1),
  ArrowUp: (keys) => keys.step(-1),
  Enter: (keys) => keys.open(),
  Escape: (keys) => keys.back(),
};

/** Whether this is a key for the page: no modifier, no field, no open dialog, not taken already. */
export function isPlain(event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented || event.isComposing) return false;
  return !isField(event.target) && !document.querySelector('dialog[open]');
}

function isField(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName));
}

function isCard(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.dataset['card'] !== undefined;
}
