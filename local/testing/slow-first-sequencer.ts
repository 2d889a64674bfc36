// The order of the test files: those that wait for processes, engines and browsers begin first, so that none of them is what a run ends
// with, alone. vitest itself goes by how long a file took the last time, which a fresh clone doesn't know.
import { relative } from 'node:path'
import type { TestSpecification } from 'vitest/node'
import { BaseSequencer } from 'vitest/node'

const slowest = ['worker/faults/', 'bench/', 'worker/src/sandboxes/', 'worker/src/tools/', 'local/']

export class SlowFirstSequencer extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const place = slowest.findIndex((folder) => relative(this.ctx.config.root, moduleId).startsWith(folder))
      return place === -1 ? slowest.length : place
    }
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b))
  }
}
