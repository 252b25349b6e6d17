import { mount } from 'svelte';
import App from './App.svelte';
import { noise } from './state/noise.svelte';
import { session } from './state/session.svelte';
import { language } from './words/index.svelte';

// A page from before an update asks for chunks that are gone: load the new one, once. A server that does not answer
// is no update: the page stays, with what it knows.
addEventListener('vite:preloadError', () => {
  if (!sessionStorage.getItem('gs-reloaded')) void reloadIfTheServerAnswers();
});

async function reloadIfTheServerAnswers(): Promise<void> {
  const answers = await fetch('./', { cache: 'no-store' }).then((answer) => answer.ok, () => false);
  if (!answers) return;
  sessionStorage.setItem('gs-reloaded', '1');
  location.reload();
}

const target = document.getElementById('app');
if (!target) throw new Error('index.html has no #app');
const place = target;
void language.start().then(() => {
  place.replaceChildren();
  mount(App, { target: place });
});
noise.start();
void session.start();
