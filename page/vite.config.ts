import { defineConfig } from 'vitest/config'

/** Where `npm run dev` finds a running ProductFlo server. */
const SERVER = 'http://127.0.0.1:8000'

export default defineConfig({
  base: '/static/',
  build: {
    outDir: '../productflo/static',
    emptyOutDir: true,
    target: 'es2022',
    // A data: URL or an inline script would need holes in the page's Content-Security-Policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: {
      '/api': SERVER,
      '/auth': SERVER,
      '/files': SERVER,
      '/ws': { target: SERVER, ws: true },
    },
  },
  test: { include: ['tests/**/*.test.{ts,tsx}'] },
})
