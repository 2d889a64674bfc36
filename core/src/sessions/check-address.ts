import { lookup as lookupHost } from 'node:dns/promises'
import { BlockList, isIP } from 'node:net'

/** Everything that is not the public internet, IPv4. Source: IANA's special-purpose registry. */
const privateIpv4 = new BlockList()
for (const [net, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['192.175.48.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const) {
  privateIpv4.addSubnet(net, prefix, 'ipv4')
}
/** Of IPv6 only what is given out for the internet counts as public; tunnels and documentation inside it do not. */
const globalIpv6 = new BlockList()
globalIpv6.addSubnet('2000::', 3, 'ipv6')
const specialIpv6 = new BlockList()
for (const [net, prefix] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const)
  specialIpv6.addSubnet(net, prefix, 'ipv6')

export const isPublicAddress = (address: string): boolean => {
  const kind = isIP(address)
  if (kind === 4) return !privateIpv4.check(address, 'ipv4')
  // Scoped addresses (fe80::1%eth0), and everything that embeds an IPv4 one, lie outside of 2000::/3 or in its special parts.
  return kind === 6 && globalIpv6.check(address, 'ipv6') && !specialIpv6.check(address, 'ipv6')
}

export type Lookup = (host: string) => Promise<{ address: string; family: number }[]>
const systemLookup: Lookup = (host) => lookupHost(host, { all: true })

export type CheckedAddress =
  | { ok: true; address: string; family: 4 | 6 }
  | { ok: false; reason: 'ADDRESS_REFUSED' | 'UNREACHABLE'; message: string }

const lookupMs = 5_000

/**
 * Resolves a host once. Every address it has must be public, unless the host is named in `allowedPrivateHosts`: a name with one
 * public and one private address is an attempt. The caller connects to the answer, and asks no resolver again.
 */
export const resolveChecked = async (
  host: string,
  allowedPrivateHosts: readonly string[],
  lookup: Lookup = systemLookup,
): Promise<CheckedAddress> => {
  const name = normalizeHost(host)
  const addresses = await resolveAll(name, lookup)
  if (!addresses?.[0]) return { ok: false, reason: 'UNREACHABLE', message: `${name} has no address.` }
  if (!allowedPrivateHosts.map(normalizeHost).includes(name) && !addresses.every(({ address }) => isPublicAddress(address))) {
    return {
      ok: false,
      reason: 'ADDRESS_REFUSED',
      message: `${name} is not on the public internet. GIT_ALLOWED_PRIVATE_HOSTS names the private hosts that may be reached.`,
    }
  }
  // IPv4 first: a container's network rarely has a way out for IPv6.
  const chosen = addresses.find(({ family }) => family === 4) ?? addresses[0]
  return { ok: true, address: chosen.address, family: chosen.family === 6 ? 6 : 4 }
}

/** As URL's `hostname` gives it: lower case, IPv6 in brackets, perhaps a trailing dot. */
const normalizeHost = (host: string): string =>
  host
    .trim()
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')

const resolveAll = async (name: string, lookup: Lookup): Promise<{ address: string; family: number }[] | null> => {
  const kind = isIP(name)
  if (kind) return [{ address: name, family: kind }]
  const { promise: late, resolve } = Promise.withResolvers<null>()
  const timer = setTimeout(() => resolve(null), lookupMs)
  try {
    return await Promise.race([lookup(name), late])
  } catch {
    // No such name, or no resolver: for the caller the host can't be reached.
    return null
  } finally {
    clearTimeout(timer)
  }
}
