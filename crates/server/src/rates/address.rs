//! Where a request comes from, as far as limits are concerned.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::{Extensions, HeaderMap, HeaderName};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// An address; of IPv6 the network of 64 bits, since whoever has one address has all of that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Address(IpAddr);

impl Address {
    pub(crate) fn of(ip: IpAddr) -> Self {
        Self(match ip.to_canonical() {
            IpAddr::V6(v6) => {
                let network = u128::from(v6) & !u128::from(u64::MAX);
                IpAddr::V6(Ipv6Addr::from(network))
            }
            v4 => v4,
        })
    }

    /// The address of a request that came through so many proxies of the operator's own, each of
    /// which notes in `X-Forwarded-For` who called it. What lies further back was said by the
    /// caller, and is not believed.
    pub(crate) fn of_request(headers: &HeaderMap, extensions: &Extensions, proxies: u8) -> Self {
        let peer = extensions.get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip());
        if proxies == 0 {
            return Self::of(peer);
        }
        // From the right, and by place alone: what cannot be read stands where it stands, or else
        // a caller could move what it wrote itself to where a proxy's word is believed.
        let lines = headers.get_all(FORWARDED_FOR).iter();
        let lines: Vec<&[u8]> = lines.map(|line| line.as_bytes()).collect();
        let places = lines.iter().rev();
        let mut places = places.flat_map(|line| line.rsplit(|byte| *byte == b','));
        let caller = places.nth(usize::from(proxies) - 1);
        Self::of(caller.and_then(noted).unwrap_or(peer))
    }

    /// Whether a proxy, or a caller that says so, noted where a request came from.
    pub(crate) fn is_noted(headers: &HeaderMap) -> bool {
        headers.contains_key(FORWARDED_FOR)
    }
}

/// An address as proxies note it, some of them with the port.
fn noted(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?.trim();
    let with_port = || Some(text.parse::<SocketAddr>().ok()?.ip());
    text.parse().ok().or_else(with_port)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn seen(forwarded: &[&str], proxies: u8) -> Address {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            let line = HeaderValue::from_bytes(line.as_bytes()).unwrap();
            headers.append(FORWARDED_FOR, line);
        }
        let mut extensions = Extensions::new();
        let peer: SocketAddr = "198.51.100.9:1".parse().unwrap();
        extensions.insert(ConnectInfo(peer));
        Address::of_request(&headers, &extensions, proxies)
    }

    fn address(text: &str) -> Address {
        Address::of(text.parse().unwrap())
    }

    #[test]
    fn a_caller_cannot_say_where_it_is() {
        let peer = address("198.51.100.9");
        assert_eq!(seen(&["192.0.2.1"], 0), peer, "no proxy is trusted");
        assert_eq!(seen(&["192.0.2.66, 192.0.2.1"], 1), address("192.0.2.1"));
        assert_eq!(seen(&["192.0.2.66", "192.0.2.1"], 1), address("192.0.2.1"));
        assert_eq!(
            seen(&["6.6.6.6, 192.0.2.1, 10.0.0.1"], 2),
            address("192.0.2.1")
        );
        assert_eq!(seen(&[], 1), peer, "nothing is noted");
        assert_eq!(seen(&["unknown"], 1), peer, "no address is noted");
    }

    /// What cannot be read keeps its place: nothing that the caller wrote moves into it.
    #[test]
    fn what_cannot_be_read_keeps_its_place() {
        let peer = address("198.51.100.9");
        for unreadable in ["\u{e9}", "unknown", "_hidden", "", "1.2.3", "\t"] {
            let line = format!("6.6.6.6, {unreadable}");
            assert_eq!(seen(&[&line], 1), peer, "{line:?}");
            assert_eq!(seen(&["6.6.6.6", unreadable], 1), peer, "{unreadable:?}");
            let line = format!("6.6.6.6, 192.0.2.1, {unreadable}");
            assert_eq!(seen(&[&line], 2), address("192.0.2.1"), "{line:?}");
            let lines = ["6.6.6.6", "192.0.2.1", unreadable];
            assert_eq!(seen(&lines, 2), address("192.0.2.1"), "{lines:?}");
        }
    }

    #[test]
    fn a_port_is_no_part_of_an_address() {
        assert_eq!(seen(&["192.0.2.1:4711"], 1), address("192.0.2.1"));
        assert_eq!(seen(&["[2001:db8::1]:4711"], 1), address("2001:db8::1"));
    }

    #[test]
    fn a_network_is_one_caller() {
        let one = address("2001:db8:1:2::1");
        assert_eq!(one, address("2001:db8:1:2:ffff::9"));
        assert_ne!(one, address("2001:db8:1:3::1"));
        assert_eq!(address("::ffff:192.0.2.1"), address("192.0.2.1"));
    }
}
