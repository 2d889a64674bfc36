type Control = 'pause' | 'interrupt' | null

/** What reaches a running turn from outside, as the worker keeps it: a call once told to stop stops, whatever is told after. */
export class SimWishes {
  control: Control
  lost = false
  #stop = false

  constructor(initial: Control) {
    this.control = initial
  }

  tell(control: Control): void {
    this.control = control
    if (control === 'interrupt') this.#stop = true
  }

  obeyed(next: Control): void {
    this.#stop = false
    this.tell(next)
  }

  beginCall(): void {
    if (this.control !== 'interrupt') this.#stop = false
  }

  mustStop(): boolean {
    return this.#stop
  }
}
