// Who may import whom: ARCHITECTURE.md, "where things live", as rules. Run through local/checks/check-imports.ts, which also
// proves that modules were read at all.
const ours = '^(prisma|core|api|worker|web|local|bench)/'
const tests = '\\.(test|contract)\\.ts$'

/** A folder may import itself, what `allowed` names, and no other folder of ours. */
const onlyImports = (folder, allowed) => ({
  name: `${folder}-imports`,
  severity: 'error',
  comment: `${folder}/ may import ${allowed.length ? allowed.join(' and ') : 'nothing of ours'}.`,
  from: { path: `^${folder}/`, pathNot: tests },
  to: { path: ours, pathNot: `^(${[folder, ...allowed].join('|')})/` },
})

module.exports = {
  forbidden: [
    onlyImports('prisma', []),
    onlyImports('core', ['prisma']),
    onlyImports('api', ['core', 'prisma']),
    onlyImports('worker', ['core', 'prisma']),
    onlyImports('web', []),
    {
      name: 'api-and-worker-meet-in-core',
      severity: 'error',
      comment: 'Not even their tests import one another: flow tests start processes.',
      from: { path: '^(api|worker)/' },
      to: { path: '^(api|worker)/', pathNot: '^$1/' },
    },
    {
      name: 'testing-is-for-tests',
      severity: 'error',
      comment: 'core/testing is imported by tests, local and bench only: the product never runs on a double.',
      from: { pathNot: [tests, '(^|/)testing/', '^(local|bench)/', '^vitest\\.config\\.ts$'] },
      to: { path: '(^|/)testing/' },
    },
    {
      name: 'tests-are-not-imported',
      severity: 'error',
      from: { pathNot: tests },
      to: { path: '\\.test\\.ts$' },
    },
    {
      name: 'pure-core',
      severity: 'error',
      comment: 'Folds, decisions and prices are simulated with seeds: they reach no database, queue or logger.',
      from: { path: '^core/src/(events/|turns/decide[^/]*|budgets/prices\\.ts)', pathNot: tests },
      to: { path: ['^prisma/', '^core/src/(log|queue|database|config|logger)', 'node_modules/(pg|ioredis|bullmq|pino)/'] },
    },
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: ['node_modules', 'generated'] },
    exclude: { path: ['(^|/)dist/'] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types', 'default'],
      extensions: ['.ts', '.tsx', '.mjs', '.js', '.json'],
    },
  },
}
