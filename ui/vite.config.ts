import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'

// The address of a running `varde serve`, for `npm run dev` only.
const backend = process.env.VARDE_URL ?? 'http://127.0.0.1:8080'

export default defineConfig({
  plugins: [react()],
  server: { host: '127.0.0.1', proxy: { '/api': backend } },
  build: {
    target: 'es2022',
    sourcemap: false,
    // The content security policy forbids data: scripts and styles, and a
    // module preload polyfill would be one more request on the report form.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    manifest: true,
    rollupOptions: {
      treeshake: {
        // Designsystemet's React modules only define components; without this
        // a page with one button carries every one of them (65 kB). The custom
        // elements in designsystemet-web do register themselves and are kept
        // wherever a used component imports them.
        moduleSideEffects: (id: string) =>
          !/node_modules\/(@digdir\/designsystemet-react|@floating-ui|@radix-ui|@navikt\/aksel-icons|@tanstack)\//.test(id),
      },
    },
  },
  test: {
    environment: 'happy-dom',
    include: ['src/**/*.test.ts', 'src/**/*.test.tsx'],
    setupFiles: ['src/i18n/bokmal.setup.ts'],
    restoreMocks: true,
  },
})
