import type { Step } from '@longhaul/core/testing/scripted-model/script.ts'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll } from 'vitest'
import { type Platform, startPlatform } from '../start-platform.ts'
import { waitForSession } from '../wait-for-session.ts'
import { type Customer, makeCustomer, makeSession } from './make-customer.ts'
import { type ConsoleBrowser, openBrowser, signIn } from './open-browser.ts'

type Opened = { page: Page; faults: string[] }

export type Console = {
  platform: Platform
  browser: ConsoleBrowser
  customer: Customer
  /** The first session, at rest. */
  sessionId: string
  /** Signed in with this key, at this address. */
  openAs(key: string, path: string, options?: Parameters<ConsoleBrowser['open']>[1]): Promise<Opened>
}

/**
 * Before a file's tests the platform with a worker, a browser, a customer, and a session that has come to rest; behind them nothing of it.
 * What is answered is filled in by then: look into it inside of tests only.
 */
export const useConsole = ({
  scripts,
  session,
}: {
  scripts: Record<string, Step[]>
  session: { title: string; prompt: string }
}): Console => {
  const scene = {
    openAs: async (key, path, options) => {
      const opened = await scene.browser.open(`${scene.platform.url}${path}`, options)
      await signIn(opened.page, key)
      return opened
    },
  } as Console

  beforeAll(async () => {
    ;[scene.platform, scene.browser] = await Promise.all([startPlatform(), openBrowser()])
    const { platform } = scene
    for (const [name, steps] of Object.entries(scripts)) platform.scene.model.addScript(name, steps)
    await platform.workers.start()
    scene.customer = await makeCustomer(platform)
    scene.sessionId = await makeSession(platform, scene.customer, { ...session, budgetUsd: '1' })
    await waitForSession(platform, { key: scene.customer.memberKey, id: scene.sessionId, status: ['IDLE'] })
  }, 90_000)
  afterEach(() => scene.browser.closeTabs())
  afterAll(async () => {
    await scene.browser?.close()
    await scene.platform?.stop()
  })
  return scene
}
