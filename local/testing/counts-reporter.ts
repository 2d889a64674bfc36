// The last line of a test run, plain, for whoever reads it by machine: "12 passed, 0 failed, 0 skipped".
import type { Reporter, TestModule } from 'vitest/node'

export const countsReporter: Reporter = {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]) {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 }
    for (const module of modules) {
      let own = 0
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state === 'pending')
          counts.failed++ // it never ended: cut off by a crash or a bail
        else counts[state]++
        if (state === 'failed') own++
      }
      // A file that could not be loaded has no tests: it counts as one that failed.
      if (!module.ok() && own === 0) counts.failed++
    }
    process.stdout.write(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`)
  },
}
