import { gzipSync } from 'node:zlib'
import react from '@vitejs/plugin-react'
import { defineConfig, type Plugin } from 'vite'

/** The api compresses nothing while it answers: beside each file lies its compressed form, which it sends to who takes it. */
const compressed = (): Plugin => ({
  name: 'compressed',
  generateBundle: {
    order: 'post',
    handler(_, bundle) {
      for (const file of Object.values(bundle)) {
        const source = Buffer.from(file.type === 'chunk' ? file.code : file.source)
        if (source.length < 1_000 || !/\.(js|css|svg|html)$/.test(file.fileName)) continue
        this.emitFile({ type: 'asset', fileName: `${file.fileName}.gz`, source: gzipSync(source, { level: 9 }) })
      }
    },
  },
})

/** The first script imports the console only once it has asked for what is shown first; the browser fetches both at once. */
const preloaded = (): Plugin => ({
  name: 'preloaded',
  transformIndexHtml: {
    order: 'post',
    handler(_, { bundle = {} }) {
      const chunks = Object.values(bundle).filter((file) => file.type === 'chunk')
      const main = chunks.find(({ facadeModuleId }) => facadeModuleId?.endsWith('/src/main.tsx'))
      if (main === undefined) return []
      const scripts = [main.fileName, ...main.imports].map((file) => ({ rel: 'modulepreload', href: `/${file}` }))
      const styles = [...(main.viteMetadata?.importedCss ?? [])].map((file) => ({ rel: 'stylesheet', href: `/${file}` }))
      return [...scripts, ...styles].map((attrs) => ({ tag: 'link', attrs: { ...attrs, crossorigin: true }, injectTo: 'head' as const }))
    },
  },
})

const API = process.env['LONGHAUL_URL'] ?? 'http://127.0.0.1:4000'

export default defineConfig({
  plugins: [react(), preloaded(), compressed()],
  build: {
    target: 'es2023',
    // Inlined, a small file is a data: address, which the content security policy takes for pictures only.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { '/graphql': { target: API, ws: true }, '^/sessions/[^/]+/(files|uploads)': { target: API } } },
})
