import { type ReactNode, useEffect, useRef, useState } from 'react'
import { Link, useLocation } from 'wouter'
import { may } from '../api/roles.ts'
import { useSignedIn } from '../api/session-of-tab.tsx'
import type { Role } from '../generated/graphql.ts'
import { Button } from './button.tsx'
import { toWords } from './format.ts'
import { LiveBadge } from './live-badge.tsx'
import { ThemeChoice } from './theme.tsx'

type Place = { href: string; label: string; seenBy: (role: Role) => boolean }

const everybody = () => true
const PLACES: Place[] = [
  { href: '/', label: 'Sessions', seenBy: everybody },
  { href: '/agents', label: 'Agents', seenBy: everybody },
  { href: '/environments', label: 'Environments', seenBy: everybody },
  { href: '/spend', label: 'Spend', seenBy: may.setCaps },
  { href: '/keys', label: 'Keys', seenBy: may.setCaps },
  { href: '/tenants', label: 'Tenants', seenBy: may.operate },
]

const isHere = (href: string, location: string): boolean =>
  href === '/' ? location === '/' || location.startsWith('/sessions') : location.startsWith(href)

/** The frame of every page: where one can go, who one is, and whether the connection stands. */
export const Shell = ({ children }: { children: ReactNode }) => {
  const { viewer, signOut } = useSignedIn()
  const [location] = useLocation()
  const [open, setOpen] = useState(false)
  const main = useRef<HTMLElement>(null)
  // biome-ignore lint/correctness/useExhaustiveDependencies: another page starts at its top, with the menu closed
  useEffect(() => {
    setOpen(false)
    main.current?.scrollTo(0, 0)
  }, [location])
  return (
    <div className="shell">
      <a className="shell-skip" href="#main">
        To the content
      </a>
      <header className="shell-side" data-open={open}>
        <Link className="shell-brand" href="/">
          <img src="/favicon.svg" alt="" />
          Longhaul
        </Link>
        <span className="shell-menu">
          <Button size="small" aria-expanded={open} onClick={() => setOpen(!open)}>
            Menu
          </Button>
        </span>
        <nav className="shell-nav" aria-label="Pages">
          {PLACES.filter(({ seenBy }) => seenBy(viewer.role)).map(({ href, label }) => (
            <Link key={href} href={href} aria-current={isHere(href, location) ? 'page' : undefined}>
              {label}
            </Link>
          ))}
        </nav>
        <div className="shell-foot">
          <LiveBadge />
          <div>
            <strong>{viewer.tenant?.name ?? 'Operator'}</strong>
            <div className="quiet">
              {viewer.apiKey?.name ?? 'operator key'} · {toWords(viewer.role)}
            </div>
          </div>
          <ThemeChoice />
          <Button size="small" onClick={signOut}>
            Sign out
          </Button>
        </div>
      </header>
      <main className="shell-main" id="main" tabIndex={-1} ref={main}>
        {children}
      </main>
    </div>
  )
}
