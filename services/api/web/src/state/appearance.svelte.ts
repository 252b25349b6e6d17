// Light, dark or as the device says, and whether single letters are keys: both kept in this browser.
export type Theme = 'auto' | 'light' | 'dark';
const THEMES: Theme[] = ['auto', 'light', 'dark'];

class Appearance {
  theme = $state<Theme>(THEMES.find((theme) => theme === localStorage.getItem('gs-theme')) ?? 'auto');
  letterKeys = $state(localStorage.getItem('gs-keys') !== 'off');

  nextTheme(): void {
    this.theme = THEMES[(THEMES.indexOf(this.theme) + 1) % THEMES.length] ?? 'auto';
    localStorage.setItem('gs-theme', this.theme);
  }

  useLetterKeys(on: boolean): void {
    this.letterKeys = on;
    localStorage.setItem('gs-keys', on ? 'on' : 'off');
  }
}

export const appearance = new Appearance();
