import { defineConfig } from 'vitest/config'

/** Where `npm run dev` finds a running ProductFlo server. */
const SERVER = 'http://127.0.0.1:8000'
/** The server takes requests from its own page only. */
const PROXIED = { target: SERVER, changeOrigin: true, headers: { origin: SERVER } }

export default defineConfig(({ command }) => ({
  base: command === 'build' ? '/static/' : '/',
  build: {
    outDir: '../productflo/static',
    emptyOutDir: true,
    target: 'es2022',
    // A data: URL or an inline script would need holes in the page's Content-Security-Policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: { '/api': PROXIED, '/auth': PROXIED, '/files': PROXIED, '/ws': { ...PROXIED, ws: true } },
  },
  test: { include: ['tests/**/*.test.{ts,tsx}'] },
}))
