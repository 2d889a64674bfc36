import { describe, expect, test } from 'vitest'
import { isPublicAddress, resolveChecked } from './check-address.ts'

describe('isPublicAddress', () => {
  test.each(['8.8.8.8', '140.82.121.3', '172.15.255.255', '172.32.0.1', '100.63.255.255', '2606:4700::1111', '2a00:1450:4001::5'])(
    '%s is public',
    (address) => {
      expect(isPublicAddress(address)).toBe(true)
    },
  )

  test.each([
    ['127.0.0.1', 'loopback'],
    ['10.1.2.3', 'private'],
    ['172.17.0.1', "the bridge's gateway"],
    ['192.168.1.1', 'private'],
    ['169.254.169.254', 'metadata'],
    ['100.100.100.200', 'carrier-grade NAT, a metadata address'],
    ['0.0.0.0', 'this host'],
    ['224.0.0.1', 'multicast'],
    ['255.255.255.255', 'broadcast'],
    ['::1', 'loopback'],
    ['::', 'unspecified'],
    ['::ffff:127.0.0.1', 'IPv4-mapped loopback'],
    ['::ffff:8.8.8.8', 'IPv4-mapped, whatever it maps'],
    ['::7f00:1', 'IPv4-compatible'],
    ['64:ff9b::a9fe:a9fe', 'NAT64 of metadata'],
    ['2002:7f00:1::', '6to4 of loopback'],
    ['2001:0:7f00:1::', 'Teredo'],
    ['fe80::1', 'link-local'],
    ['fe80::1%eth0', 'link-local with a zone'],
    ['fd00:ec2::254', 'metadata over IPv6'],
    ['ff02::1', 'multicast'],
    ['2001:db8::1', 'documentation'],
    ['not an address', 'nonsense'],
  ])('%s is not: %s', (address) => {
    expect(isPublicAddress(address)).toBe(false)
  })
})

describe('resolveChecked', () => {
  test('a name that resolves to loopback is refused', async () => {
    expect(await resolveChecked('localhost', [])).toMatchObject({ ok: false, reason: 'ADDRESS_REFUSED' })
  })

  test('a private host is reached when it is named, however it is written', async () => {
    expect(await resolveChecked('LOCALHOST.', ['localhost'])).toMatchObject({ ok: true })
    expect(await resolveChecked('[::1]', ['::1'])).toEqual({ ok: true, address: '::1', family: 6 })
  })

  test('one private address among public ones is enough to refuse a name', async () => {
    const lookup = async () => [
      { address: '8.8.8.8', family: 4 },
      { address: '::ffff:10.0.0.1', family: 6 },
    ]
    expect(await resolveChecked('mixed.example', [], lookup)).toMatchObject({ ok: false, reason: 'ADDRESS_REFUSED' })
  })

  test('a name that nobody knows has no address', async () => {
    expect(await resolveChecked('no-such-host.invalid', [])).toMatchObject({ ok: false, reason: 'UNREACHABLE' })
  })
})
