//! Addresses of people and machines, and paths with the name of a user.

// Only the forms of addresses; what can open a connection lives elsewhere.
use core::net::{Ipv4Addr, Ipv6Addr};

/// Stretches of a text without spaces and the marks that enclose things.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let pieces = text.split(|c: char| c.is_whitespace() || "\"'<>()[]{},;=".contains(c));
    pieces.map(|piece| piece.trim_end_matches(['.', ':', '!', '?'])).filter(|piece| !piece.is_empty())
}

/// A local part, an at sign, and a domain with a dot and an ending of letters.
pub(super) fn email(text: &str) -> bool {
    pieces(text).any(|piece| {
        let Some((local, domain)) = piece.rsplit_once('@') else { return false };
        let local = local.rsplit(':').next().unwrap_or_default();
        let part = |c: char| c.is_ascii_alphanumeric() || "._%+-".contains(c);
        let ending = domain.rsplit('.').next().unwrap_or_default();
        let whole =
            domain.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-') && !domain.starts_with('.');
        !local.is_empty()
            && local.chars().all(part)
            && whole
            && domain.contains('.')
            && ending.len() >= 2
            && ending.chars().all(|c| c.is_ascii_alphabetic())
    })
}

/// An address of version 4 or 6 of the internet protocol that is not the machine itself.
pub(super) fn network_address(text: &str) -> bool {
    pieces(text).any(|piece| {
        let host = piece.split('/').find(|part| !part.is_empty() && !part.ends_with(':')).unwrap_or(piece);
        let host = if host.matches(':').count() == 1 { host.split(':').next().unwrap_or(host) } else { host };
        let four = host.parse::<Ipv4Addr>().is_ok_and(|a| !a.is_loopback() && !a.is_unspecified() && a.octets()[0] > 9);
        let six = host.matches(':').count() > 3 && host.parse::<Ipv6Addr>().is_ok_and(|a| !a.is_loopback());
        four || six
    })
}

/// Likewise an address whose first number is below 10, as versions have it: only for values of which most look like addresses.
pub(super) fn low_address(text: &str) -> bool {
    text.parse::<Ipv4Addr>().is_ok_and(|address| (1..10).contains(&address.octets()[0]))
}

/// `http://`, `https://`, `ftp://` or `www.` and something behind it.
pub(super) fn url(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let behind =
        |mark: &str| lower.split(mark).skip(1).any(|rest| rest.starts_with(|c: char| c.is_ascii_alphanumeric()));
    ["http://", "https://", "ftp://"].iter().any(|mark| behind(mark))
        || pieces(&lower).any(|piece| piece.starts_with("www.") && piece.matches('.').count() > 1)
}

/// A path below the folder where a system keeps those of its users.
pub(super) fn user_path(text: &str) -> bool {
    let slashes = text.replace('\\', "/").to_lowercase();
    let shared = ["public", "shared", "default", "runner", "user", "root"];
    ["/home/", "/users/", "documents and settings/"].iter().any(|folder| {
        slashes.match_indices(folder).any(|(at, _)| {
            let from_start = slashes[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric());
            let rest = &slashes[at + folder.len()..];
            let user = rest.split('/').next().unwrap_or_default();
            let name = !user.is_empty() && user.chars().all(|c| c.is_alphanumeric() || "._- ".contains(c));
            from_start && name && rest.contains('/') && !shared.contains(&user)
        })
    })
}
