import { svelte, vitePreprocess } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

// base './': the page works behind any path prefix. assetsInlineLimit 0: the content policy allows no data: addresses.
export default defineConfig({
  base: './',
  plugins: [svelte({ preprocess: vitePreprocess() })],
  build: {
    target: 'es2022',
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'], // light-dark() as it stands
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // All screens but the first in one piece: it packs better than ten, and a screen opens even when the server has gone.
    rolldownOptions: { output: { codeSplitting: { includeDependenciesRecursively: false, groups: [{ name: 'screens', test: /src\/components\/(alert|budget|event|explore|handover|map|replay|sources)\// }] } } },
  },
});
