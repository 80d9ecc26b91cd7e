//! Which addresses are everybody's, by IANA's registries of special-purpose addresses (RFC 6890).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Who reaches an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Everybody.
    Public,
    /// This machine.
    Loopback,
    /// A network of somebody's: private, shared, link-local, for benchmarks.
    Private,
    /// No backend of anybody's: many at once, nobody at all, examples, what is reserved; and where
    /// clouds give out credentials.
    Nobodys,
}

/// Who reaches `address`. An address of version 6 that stands for one of version 4 reaches as far
/// as that one.
pub(crate) fn reach(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(address) => reach_v4(address),
        IpAddr::V6(address) => reach_v6(address),
    }
}

/// Where a machine asks its cloud who it is: Amazon (three), Alibaba, Azure.
const CLOUDS_V4: [Ipv4Addr; 5] = [
    Ipv4Addr::new(169, 254, 169, 254),
    Ipv4Addr::new(169, 254, 170, 2),
    Ipv4Addr::new(169, 254, 170, 23),
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(168, 63, 129, 16),
];

/// The same: Amazon (two), Google.
const CLOUDS_V6: [Ipv6Addr; 3] = [
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23),
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
];

fn reach_v4(address: Ipv4Addr) -> Reach {
    if CLOUDS_V4.contains(&address) {
        return Reach::Nobodys;
    }
    match address.octets() {
        [127, ..] => Reach::Loopback,
        // RFC 1918, 6598 (shared), 3927 (link-local), 2544 (benchmarks).
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Reach::Private,
        [100, 64..=127, ..] | [169, 254, ..] | [198, 18..=19, ..] => Reach::Private,
        // RFC 791 (this network), 6890 (protocols), 5737 (examples), 7526 (former 6to4 relays),
        // 5771 (multicast), 1112 and 919 (reserved, broadcast).
        [0, ..] | [192, 0, 0 | 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Reach::Nobodys,
        [192, 88, 99, _] | [224..=255, ..] => Reach::Nobodys,
        _ => Reach::Public,
    }
}

fn reach_v6(address: Ipv6Addr) -> Reach {
    if CLOUDS_V6.contains(&address) {
        return Reach::Nobodys;
    }
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        reach_v4(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Reach::Loopback,
        // Mapped (RFC 4291 §2.5.5.2), NAT64 (RFC 6052), 6to4 (RFC 3056).
        [0, 0, 0, 0, 0, 0xffff, high, low] => v4(high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => v4(high, low),
        [0x2002, high, low, ..] => v4(high, low),
        // NAT64 within a network (RFC 8215): a part of the address is its operator's affair.
        [0x64, 0xff9b, 1, ..] => Reach::Private,
        // RFC 4193 (unique local), 4291 (link-local).
        [0xfc00..=0xfdff, ..] | [0xfe80..=0xfebf, ..] => Reach::Private,
        // RFC 2928 (protocols; Teredo is among them), 3849 and 9637 (examples).
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Reach::Nobodys,
        // What IANA gives out to networks (RFC 3513 §2.5.4); nothing else is.
        [0x2000..=0x3fff, ..] => Reach::Public,
        _ => Reach::Nobodys,
    }
}

#[cfg(test)]
mod tests {
    use super::Reach::{Loopback, Nobodys, Private, Public};
    use super::*;

    /// The first and the last address of each block of IANA's registries, and its neighbours.
    #[test]
    fn blocks_begin_and_end_where_they_do() {
        let cases = [
            ("0.0.0.0", Nobodys),
            ("0.255.255.255", Nobodys),
            ("1.0.0.0", Public),
            ("9.255.255.255", Public),
            ("10.0.0.0", Private),
            ("10.255.255.255", Private),
            ("11.0.0.0", Public),
            ("100.63.255.255", Public),
            ("100.64.0.0", Private),
            ("100.100.100.200", Nobodys),
            ("100.127.255.255", Private),
            ("100.128.0.0", Public),
            ("126.255.255.255", Public),
            ("127.0.0.0", Loopback),
            ("127.255.255.255", Loopback),
            ("128.0.0.0", Public),
            ("168.63.129.16", Nobodys),
            ("169.253.255.255", Public),
            ("169.254.0.0", Private),
            ("169.254.169.254", Nobodys),
            ("169.254.170.2", Nobodys),
            ("169.254.255.255", Private),
            ("172.15.255.255", Public),
            ("172.16.0.0", Private),
            ("172.31.255.255", Private),
            ("172.32.0.0", Public),
            ("192.0.0.0", Nobodys),
            ("192.0.0.255", Nobodys),
            ("192.0.1.0", Public),
            ("192.0.2.0", Nobodys),
            ("192.0.2.255", Nobodys),
            ("192.0.3.0", Public),
            ("192.88.99.1", Nobodys),
            ("192.167.255.255", Public),
            ("192.168.0.0", Private),
            ("192.168.255.255", Private),
            ("192.169.0.0", Public),
            ("198.17.255.255", Public),
            ("198.18.0.0", Private),
            ("198.19.255.255", Private),
            ("198.20.0.0", Public),
            ("198.51.100.0", Nobodys),
            ("203.0.113.255", Nobodys),
            ("223.255.255.255", Public),
            ("224.0.0.0", Nobodys),
            ("239.255.255.255", Nobodys),
            ("240.0.0.0", Nobodys),
            ("255.255.255.255", Nobodys),
            ("::", Nobodys),
            ("::1", Loopback),
            ("::2", Nobodys),
            ("::7f00:1", Nobodys),
            ("::ffff:93.184.216.34", Public),
            ("::ffff:127.0.0.1", Loopback),
            ("::ffff:10.0.0.1", Private),
            ("::ffff:169.254.169.254", Nobodys),
            ("64:ff9b::5db8:d822", Public),
            ("64:ff9b::a00:1", Private),
            ("64:ff9b::7f00:1", Loopback),
            ("64:ff9b::a9fe:a9fe", Nobodys),
            ("64:ff9b:1::a00:1", Private),
            ("64:ff9b:2::1", Nobodys),
            ("100::1", Nobodys),
            ("1fff:ffff::1", Nobodys),
            ("2000::", Public),
            ("2001::1", Nobodys),
            ("2001:1ff::1", Nobodys),
            ("2001:200::1", Public),
            ("2001:db8::1", Nobodys),
            ("2001:db9::1", Public),
            ("2002:5db8:d822::1", Public),
            ("2002:a00:1::1", Private),
            ("2002:7f00:1::1", Loopback),
            ("2606:4700::1111", Public),
            ("3ffe::1", Public),
            ("3fff::1", Nobodys),
            ("3fff:fff::1", Nobodys),
            ("3fff:1000::1", Public),
            ("4000::1", Nobodys),
            ("5f00::1", Nobodys),
            ("fbff::1", Nobodys),
            ("fc00::1", Private),
            ("fd00:ec2::254", Nobodys),
            ("fdff::1", Private),
            ("fe00::1", Nobodys),
            ("fe80::1", Private),
            ("febf::1", Private),
            ("fec0::1", Nobodys),
            ("ff02::1", Nobodys),
        ];
        for (address, expected) in cases {
            assert_eq!(reach(address.parse().unwrap()), expected, "{address}");
        }
    }
}
