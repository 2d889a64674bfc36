import { Gauge } from 'prom-client'
import { registry } from './instruments.ts'

type Sample = { labels?: Record<string, string>; value: number }

/** A figure that is looked up when somebody reads /metrics. Null: it can't be known now, and is then absent, not zero. */
export const defineGauge = (
  { name, help, labels = [] }: { name: `longhaul_${string}`; help: string; labels?: string[] },
  read: () => Promise<Sample[] | null>,
): void => {
  new Gauge({
    name,
    help,
    labelNames: labels,
    registers: [registry],
    async collect() {
      const samples = await read()
      if (labels.length === 0) this.remove()
      else this.reset()
      for (const sample of samples ?? []) this.set(sample.labels ?? {}, sample.value)
    },
  })
}
