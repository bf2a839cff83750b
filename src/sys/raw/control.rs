//! Control messages (`cmsg(3)`): what stands beside a datagram, in a buffer of fixed size.

use nix::libc;

/// Room for the two messages that IPv6 needs: packet information and hop limit. As words, because messages are aligned so.
pub(super) const WORDS: usize = 8;

/// Control data on its way to the kernel.
#[derive(Clone, Copy)]
pub(super) struct Control {
    words: [u64; WORDS],
    len: usize,
}

/// Types that the kernel reads as control messages.
///
/// # Safety
///
/// They are plain numbers without padding or pointers, so that any bits are valid and all of them are initialised.
#[allow(unsafe_code)]
pub(super) unsafe trait Plain: Copy {}

// SAFETY: a number.
#[allow(unsafe_code)]
unsafe impl Plain for libc::c_int {}

// SAFETY: a number and two addresses of 32 bits, each aligned to 4 bytes.
#[allow(unsafe_code)]
unsafe impl Plain for libc::in_pktinfo {}

// SAFETY: 16 bytes and a number of 32 bits, aligned to 4 bytes.
#[allow(unsafe_code)]
unsafe impl Plain for libc::in6_pktinfo {}

const HEADER: usize = size_of::<libc::cmsghdr>();

impl Control {
    pub(super) const EMPTY: Self = Self { words: [0; WORDS], len: 0 };

    /// Bytes that are in use.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn as_mut_ptr(&mut self) -> *mut libc::c_void {
        self.words.as_mut_ptr().cast()
    }

    /// Adds a message; nothing if there is no room.
    #[allow(unsafe_code)]
    pub(super) fn push<T: Plain>(&mut self, level: libc::c_int, kind: libc::c_int, value: T) {
        let end = self.len + (HEADER + size_of::<T>()).next_multiple_of(size_of::<u64>());
        if end > size_of_val(&self.words) {
            return;
        }
        let header = libc::cmsghdr { cmsg_len: HEADER + size_of::<T>(), cmsg_level: level, cmsg_type: kind };
        // SAFETY: `len` is a multiple of the alignment, and the header and the value fit between `len` and `end`, which is
        // within the words.
        unsafe {
            let at = self.words.as_mut_ptr().cast::<u8>().add(self.len);
            at.cast::<libc::cmsghdr>().write_unaligned(header);
            at.add(HEADER).cast::<T>().write_unaligned(value);
        }
        self.len = end;
    }
}

/// Returns the value of the message of this level and type among control data that the kernel wrote.
#[allow(unsafe_code)]
pub(super) fn find<T: Plain>(mut data: &[u8], level: libc::c_int, kind: libc::c_int) -> Option<T> {
    while let Some((header, rest)) = data.split_at_checked(HEADER) {
        // SAFETY: there are as many bytes as a header has, and it consists of numbers.
        let header = unsafe { header.as_ptr().cast::<libc::cmsghdr>().read_unaligned() };
        let len = header.cmsg_len.checked_sub(HEADER)?;
        let value = rest.get(..len)?;
        if (header.cmsg_level, header.cmsg_type) == (level, kind) {
            // SAFETY: there are as many bytes as `T` has, and any bytes are a valid `T`.
            return (len >= size_of::<T>()).then(|| unsafe { value.as_ptr().cast::<T>().read_unaligned() });
        }
        data = rest.get(len.next_multiple_of(size_of::<u64>())..)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(control: &Control) -> Vec<u8> {
        control.words.iter().flat_map(|word| word.to_ne_bytes()).take(control.len).collect()
    }

    #[test]
    fn what_is_pushed_is_found() {
        let mut control = Control::EMPTY;
        let info = libc::in6_pktinfo { ipi6_addr: libc::in6_addr { s6_addr: [7; 16] }, ipi6_ifindex: 3 };
        control.push(libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, info);
        control.push(libc::IPPROTO_IPV6, libc::IPV6_HOPLIMIT, 255);
        let len = control.len();
        assert_eq!(len, size_of_val(&control.words));
        control.push(libc::IPPROTO_IPV6, libc::IPV6_TCLASS, 1);
        assert_eq!(control.len(), len, "there is no room for a third one");
        let bytes = bytes(&control);
        let found: libc::in6_pktinfo = find(&bytes, libc::IPPROTO_IPV6, libc::IPV6_PKTINFO).expect("the first one");
        assert_eq!((found.ipi6_addr.s6_addr, found.ipi6_ifindex), ([7; 16], 3));
        assert_eq!(find(&bytes, libc::IPPROTO_IPV6, libc::IPV6_HOPLIMIT), Some(255));
        assert_eq!(find::<libc::c_int>(&bytes, libc::IPPROTO_IPV6, libc::IPV6_TCLASS), None);
    }

    #[test]
    fn damaged_control_data_is_no_panic() {
        let mut control = Control::EMPTY;
        control.push(libc::IPPROTO_IPV6, libc::IPV6_HOPLIMIT, 255);
        let whole = bytes(&control);
        for len in 0..whole.len() {
            let _ = find::<libc::c_int>(&whole[..len], libc::IPPROTO_IPV6, libc::IPV6_HOPLIMIT);
            let _ = find::<libc::c_int>(&whole[..len], 0, 0);
        }
        let mut endless = whole.clone();
        endless[..8].fill(0);
        assert_eq!(find::<libc::c_int>(&endless, 0, 0), None);
        endless[..8].fill(0xff);
        assert_eq!(find::<libc::c_int>(&endless, 0, 0), None);
    }
}
