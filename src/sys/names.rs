//! Names of hosts and services, as the C library knows them: `/etc/hosts`, DNS, `/etc/services`, whatever nsswitch says.
//!
//! Each look-up may wait for a name server; callers keep the answers.

#![allow(unsafe_code)]

use std::{
    ffi::{CStr, CString, c_char, c_int},
    mem,
    net::{IpAddr, Ipv4Addr},
    ptr,
    sync::{Mutex, PoisonError},
};

use nix::libc;

/// Returns the first IPv4 address of a host.
pub fn host_v4(name: &str) -> Option<Ipv4Addr> {
    let name = CString::new(name).ok()?;
    // SAFETY: addrinfo is plain data for which all bits zero are a valid value.
    let mut hints: libc::addrinfo = unsafe { mem::zeroed() };
    hints.ai_family = libc::AF_INET;
    hints.ai_socktype = libc::SOCK_STREAM;
    let mut list: *mut libc::addrinfo = ptr::null_mut();
    // SAFETY: the name ends in NUL, hints and list outlive the call.
    if unsafe { libc::getaddrinfo(name.as_ptr(), ptr::null(), &raw const hints, &raw mut list) } != 0 {
        return None;
    }
    let mut address = None;
    let mut next = list;
    // SAFETY: getaddrinfo gave a linked list that ends in a null pointer and is ours until it is freed; an entry of
    // family AF_INET points to a sockaddr_in, which may be read unaligned.
    unsafe {
        while let (Some(entry), None) = (next.as_ref(), address) {
            if entry.ai_family == libc::AF_INET && !entry.ai_addr.is_null() {
                let found = entry.ai_addr.cast::<libc::sockaddr_in>().read_unaligned();
                address = Some(Ipv4Addr::from(u32::from_be(found.sin_addr.s_addr)));
            }
            next = entry.ai_next;
        }
        if !list.is_null() {
            libc::freeaddrinfo(list);
        }
    }
    address
}

/// Returns the name of a host.
pub fn host_name(address: IpAddr) -> Option<String> {
    match address {
        IpAddr::V4(address) => {
            // SAFETY: plain data for which all bits zero are a valid value.
            let mut socket: libc::sockaddr_in = unsafe { mem::zeroed() };
            socket.sin_family = libc::AF_INET as libc::sa_family_t;
            socket.sin_addr.s_addr = u32::from(address).to_be();
            name_of(&socket)
        }
        IpAddr::V6(address) => {
            // SAFETY: plain data for which all bits zero are a valid value.
            let mut socket: libc::sockaddr_in6 = unsafe { mem::zeroed() };
            socket.sin6_family = libc::AF_INET6 as libc::sa_family_t;
            socket.sin6_addr.s6_addr = address.octets();
            name_of(&socket)
        }
    }
}

/// `socket` must be a socket address of the kind that its family says.
fn name_of<T>(socket: &T) -> Option<String> {
    let mut name = [0_u8; libc::NI_MAXHOST as usize];
    let socket_len = libc::socklen_t::try_from(size_of::<T>()).ok()?;
    let name_len = libc::socklen_t::try_from(name.len()).ok()?;
    // SAFETY: both buffers outlive the call and have the lengths that are given.
    let status = unsafe {
        libc::getnameinfo(
            ptr::from_ref(socket).cast(),
            socket_len,
            name.as_mut_ptr().cast::<c_char>(),
            name_len,
            ptr::null_mut(),
            0,
            libc::NI_NAMEREQD,
        )
    };
    if status != 0 {
        return None;
    }
    Some(CStr::from_bytes_until_nul(&name).ok()?.to_string_lossy().into_owned())
}

/// The C library keeps the answers about services in one place for all threads.
static SERVICES: Mutex<()> = Mutex::new(());

/// Returns the port of a service (`http`) of a protocol (`tcp`).
pub fn port(service: &str, protocol: &str) -> Option<u16> {
    let (service, protocol) = (CString::new(service).ok()?, CString::new(protocol).ok()?);
    let _guard = SERVICES.lock().unwrap_or_else(PoisonError::into_inner);
    // SAFETY: both names end in NUL; the answer is read while nobody else may ask.
    let port = unsafe { libc::getservbyname(service.as_ptr(), protocol.as_ptr()).as_ref() }?.s_port;
    u16::try_from(port).ok().map(u16::from_be)
}

/// Returns the name of the service on a port of a protocol (`tcp`).
pub fn service(port: u16, protocol: &str) -> Option<String> {
    let protocol = CString::new(protocol).ok()?;
    let _guard = SERVICES.lock().unwrap_or_else(PoisonError::into_inner);
    // SAFETY: the protocol ends in NUL; the answer is read while nobody else may ask.
    let found = unsafe { libc::getservbyport(c_int::from(port.to_be()), protocol.as_ptr()).as_ref() }?;
    // SAFETY: a service has a name, which ends in NUL.
    let name = unsafe { CStr::from_ptr(found.s_name) };
    Some(name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use super::*;

    /// From `/etc/hosts`, which every machine has.
    #[test]
    fn hosts() {
        assert_eq!(host_v4("localhost"), Some(Ipv4Addr::LOCALHOST));
        assert_eq!(host_v4("127.0.0.1"), Some(Ipv4Addr::LOCALHOST));
        assert_eq!(host_v4("a\0b"), None);
        assert!(host_name(Ipv4Addr::LOCALHOST.into()).is_some_and(|name| !name.is_empty()));
        // Not every machine has a name for it; none has a number for a name.
        assert!(host_name(Ipv6Addr::LOCALHOST.into()).is_none_or(|name| name != "::1"));
    }

    #[test]
    fn services_that_do_not_exist() {
        assert_eq!(port("no-such-service", "tcp"), None);
        assert_eq!(port("http", "no-such-protocol"), None);
        assert_eq!(service(0, "tcp"), None);
    }
}
