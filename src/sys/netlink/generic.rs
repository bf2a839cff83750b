//! Generic netlink: families that are found by name, messages with a command in front.

use neli::consts::{
    genl::{CtrlAttr, CtrlCmd},
    nl::GenlId,
};
use nix::errno::Errno;

use super::{Attributes, Batch, Error, Malformed, Socket, Writer};

/// Bytes of `struct genlmsghdr`.
const HEADER: usize = 4;

/// A command of a generic netlink family.
#[derive(Clone, Copy, Debug)]
pub struct Command {
    /// The family, as [`Socket::family`] found it.
    pub family: u16,
    /// The command's number.
    pub number: u8,
    /// The version of the family's interface.
    pub version: u8,
}

impl Batch {
    /// Appends a request of a generic netlink family.
    pub fn push_command(&mut self, command: Command, write: impl FnOnce(&mut Writer<'_>)) {
        self.push(command.family, &[command.number, command.version, 0, 0], write);
    }
}

impl<'a> Attributes<'a> {
    /// Returns the attributes of a generic netlink message, which follow its command.
    ///
    /// # Errors
    /// The message ends within its header.
    pub fn of_command(message: &'a [u8]) -> Result<Self, Malformed> {
        message.get(HEADER..).map(Self::new).ok_or_else(|| Malformed::new("message", "too short"))
    }
}

impl Socket {
    /// Looks up the number of a generic netlink family; the kernel may load a module to answer. `None`: there is no such
    /// family.
    ///
    /// # Errors
    /// The lookup fails for another reason.
    pub fn family(&mut self, name: &str) -> Result<Option<u16>, Error> {
        let lookup = Command { family: GenlId::Ctrl.into(), number: CtrlCmd::Getfamily.into(), version: 1 };
        let mut request = Batch::default();
        request.push_command(lookup, |attributes| attributes.string(CtrlAttr::FamilyName.into(), name));
        let found = self.call(&mut request, |answer| {
            for attribute in Attributes::of_command(answer)? {
                let attribute = attribute?;
                if attribute.kind == u16::from(CtrlAttr::FamilyId) {
                    return attribute.u16("CTRL_ATTR_FAMILY_ID");
                }
            }
            Err(Malformed::new("CTRL_ATTR_FAMILY_ID", "missing"))
        });
        match found {
            Ok(family) => Ok(Some(family)),
            Err(Error::Refused(refused)) if refused.errno == Errno::ENOENT => Ok(None),
            Err(error) => Err(error),
        }
    }
}
