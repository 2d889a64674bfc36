import type { ButtonHTMLAttributes, ReactNode } from 'react'
import { Link } from 'wouter'

type Look = { kind?: 'primary' | 'plain' | 'danger' | 'quiet'; size?: 'small' }

/** `busy`: what was asked for is under way; a second press does nothing. */
export const Button = ({
  kind = 'plain',
  size,
  busy = false,
  disabled,
  type = 'button',
  children,
  ...rest
}: Look & { busy?: boolean } & ButtonHTMLAttributes<HTMLButtonElement>) => (
  <button {...rest} type={type} className="button" data-kind={kind} data-size={size} disabled={disabled || busy} aria-busy={busy}>
    {children}
    {busy && ' …'}
  </button>
)

export const ButtonLink = ({ kind = 'plain', size, href, children }: Look & { href: string; children: ReactNode }) => (
  <Link href={href} className="button" data-kind={kind} data-size={size}>
    {children}
  </Link>
)
