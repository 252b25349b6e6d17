// Sound and desktop notifications: off until switched on in this browser, and for severe and extreme alerts only.
import type { Alert } from '../contract';
import { isSerious } from '../format/order';
import { inLanguage, say } from '../words/index.svelte';
import { session } from './session.svelte';
import type { Changes } from './store.svelte';

const REPEAT_MS = 60_000;
const TIMES = 3;

class Noise {
  sound = $state(localStorage.getItem('gs-sound') === 'on');
  desktop = $state(localStorage.getItem('gs-desktop') === 'on' && permission() === 'granted');
  permission = $state(permission());
  /** How often the tones were played: what a test can look at. */
  played = $state(0);
  #context: AudioContext | null = null;
  #speaker = !('locks' in navigator);
  #told = new Set<string>();

  /** Of several tabs only one speaks. */
  start(): void {
    session.listeners.add((changes) => this.#hear(changes));
    if (!this.#speaker) void navigator.locks.request('gs-noise', () => ((this.#speaker = true), new Promise(() => undefined)));
  }

  useSound(on: boolean): void {
    this.sound = on;
    localStorage.setItem('gs-sound', on ? 'on' : 'off');
    if (on) this.play();
  }

  async useDesktop(on: boolean): Promise<void> {
    if (on && permission() === 'default') await Notification.requestPermission();
    this.permission = permission();
    this.desktop = on && this.permission === 'granted';
    localStorage.setItem('gs-desktop', this.desktop ? 'on' : 'off');
  }

  /** Two soft tones, under a second. */
  play(): void {
    this.played += 1;
    this.#context ??= new AudioContext();
    const context = this.#context;
    void context.resume();
    [523, 659].forEach((hertz, index) => {
      const from = context.currentTime + index * 0.32;
      const tone = context.createOscillator();
      const volume = context.createGain();
      tone.frequency.value = hertz;
      volume.gain.setValueAtTime(0, from);
      volume.gain.linearRampToValueAtTime(0.12, from + 0.05);
      volume.gain.exponentialRampToValueAtTime(0.001, from + 0.42);
      tone.connect(volume).connect(context.destination);
      tone.start(from);
      tone.stop(from + 0.45);
    });
  }

  #hear({ added, changed }: Changes): void {
    const serious = [...added, ...changed].filter((alert) => isSerious(alert) && alert.status !== 'ended' && !this.#told.has(key(alert)));
    for (const alert of serious) this.#told.add(key(alert));
    const visible = serious.filter((alert) => !session.store.rules.isHidden(alert) && !alert.acknowledged);
    if (!visible.length || !this.#speaker) return;
    if (this.sound) this.#sound(visible);
    if (this.desktop) for (const alert of visible) this.#notify(alert);
  }

  #sound(alerts: Alert[]): void {
    this.play();
    const extreme = alerts.filter((alert) => alert.severity === 'extreme');
    if (!extreme.length) return;
    let times = 1;
    const timer = setInterval(() => {
      const waiting = extreme.some(({ id }) => {
        const now = session.store.find(id)?.alert;
        return now?.severity === 'extreme' && now.status !== 'ended' && !now.acknowledged;
      });
      if (!waiting || !this.sound || times >= TIMES) return clearInterval(timer);
      times += 1;
      this.play();
    }, REPEAT_MS);
  }

  #notify(alert: Alert): void {
    const space = alert.mode === 'live' ? '' : `${say(alert.mode)} · `;
    const title = space + say('notify_title', { severity: say(alert.severity), headline: inLanguage(alert.headline) });
    const shown = new Notification(title, { body: inLanguage(alert.explanation), tag: alert.id, lang: document.documentElement.lang });
    shown.onclick = () => {
      focus();
      location.hash = `#/alert/${encodeURIComponent(alert.id)}`;
      shown.close();
    };
  }
}

/** An alert speaks once when it comes and once more when it becomes extreme. */
function key({ id, severity }: Alert): string {
  return `${id} ${severity}`;
}

function permission(): NotificationPermission | 'missing' {
  return 'Notification' in window && isSecureContext ? Notification.permission : 'missing';
}

export const noise = new Noise();
