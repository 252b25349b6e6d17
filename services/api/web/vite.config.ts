import { svelte, vitePreprocess } from '@sveltejs/vite-plugin-svelte';
import { defineConfig, type Plugin } from 'vite';

/** French and Spanish as rows of phrases in the order of the English keys: 4.5 kB less to send. `words/index` gives the keys back. */
function rows(): Plugin {
  const literal = (code: string): Record<string, unknown> => new Function(`return ${code.slice(code.indexOf('= {') + 2, code.lastIndexOf('}') + 1)}`)();
  const owner = new Map<string, string>();
  return {
    name: 'rows',
    enforce: 'pre',
    async transform(code, id) {
      const [, language, part] = /words\/(fr|es)\/(\w+)\.ts$/.exec(id) ?? [];
      if (!language || !part) return undefined;
      if (part === 'index') return code.replace('= {', '= [').replace(/}(;\s*)$/, ']$1');
      const words = literal(code);
      const keys = Object.keys(literal(await this.fs.readFile(id.replace(`/${language}/`, '/en/'), { encoding: 'utf8' })));
      for (const key of keys) {
        if (!(key in words)) this.error(`${id} lacks ${key}`);
        if (owner.has(key) && owner.get(key) !== part) this.error(`${key} stands in ${owner.get(key)} and in ${part}`);
        owner.set(key, part);
      }
      const name = /export const (\w+)/.exec(code)?.[1];
      return `export const ${name} = ${JSON.stringify(keys.map((key) => words[key]))};`;
    },
  };
}

// base './': the page works behind any path prefix. assetsInlineLimit 0: the content policy allows no data: addresses.
export default defineConfig({
  base: './',
  plugins: [rows(), svelte({ preprocess: vitePreprocess() })],
  build: {
    target: 'es2022',
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'], // light-dark() as it stands
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // All screens but the first in one piece: it packs better than ten, and a screen opens even when the server has gone.
    rolldownOptions: { output: { codeSplitting: { includeDependenciesRecursively: false, groups: [{ name: 'screens', test: /src\/components\/(alert|budget|event|explore|handover|map|replay|sources)\// }] } } },
  },
});
