import { mount } from 'svelte';
import App from './App.svelte';
import { session } from './state/session.svelte';

// A page from before an update asks for chunks that are gone: load the new one, once.
addEventListener('vite:preloadError', (event) => {
  if (sessionStorage.getItem('gs-reloaded')) return;
  sessionStorage.setItem('gs-reloaded', '1');
  event.preventDefault();
  location.reload();
});

const target = document.getElementById('app');
if (!target) throw new Error('index.html has no #app');
target.replaceChildren();
mount(App, { target });
void session.start();
